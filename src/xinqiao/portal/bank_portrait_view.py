"""What a bank sees of a firm under its grant, put together from the credit file and the bank's own facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup

from xinqiao.consent.access import Permit
from xinqiao.consent.terms import data_sets, purposes
from xinqiao.db.database import Tx
from xinqiao.indicator.definition import indicators
from xinqiao.indicator.reason import REASONS
from xinqiao.kernel.quantity import money, quantity
from xinqiao.kernel.text import Text
from xinqiao.lending import own_card, own_data
from xinqiao.opinion.event import events
from xinqiao.portal.credit_view import CreditView, credit_view
from xinqiao.portal.tie_graph import Around, looks, named
from xinqiao.portrait.build import Month
from xinqiao.portrait.credit_file import LEADS, CreditFile
from xinqiao.portrait.radar import dimensions
from xinqiao.relation.leads.rule import rules
from xinqiao.report.charts.bars import Month as Past
from xinqiao.report.charts.bars import columns
from xinqiao.report.charts.graph import Arc, small_graph
from xinqiao.report.leads import FIGURES, SEVERITIES
from xinqiao.report.portrait import TRADING, forecast_chart
from xinqiao.source.contract import contracts

OWED = ("BNK04", "BNK05", "BNK12", "CRD08", "CRD10")
SECURED = ("REG11", "REG12", "REG13", "CRD09")
MONTHS_OF_NEWS = 36
RECORDS_SHOWN = 8
SEVERITY_KIND = {"high": "bad", "medium": "warn", "low": "info"}
ABSENT = Text(zh="缺失", en="missing")
NOT_GRANTED = Text(zh="授权未包含", en="not in the grant")


@dataclass(frozen=True, slots=True)
class Said:
    """An indicator in words; ``value`` None: why it is missing stands in ``missing``."""

    id: str
    name: Text
    value: Text | None
    missing: Text
    flag: Text | None
    disputed: bool


@dataclass(frozen=True, slots=True)
class LeadSaid:
    """A lead with its evidence in words."""

    id: str
    name: Text
    about: Text
    severity: Text
    kind: str
    figures: tuple[tuple[Text, Text], ...]
    records: tuple[tuple[Text, str, str, Text | None], ...]
    more: int
    drawing: Markup | None


@dataclass(frozen=True, slots=True)
class NewsMonth:
    """Negative articles of a month: how many, of which kinds, some titles."""

    month: str
    count: int
    kinds: tuple[Text, ...]
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnView:
    """The bank's own facts and what its card adds; ``joint``: our score with it on top."""

    facts: dict[str, float | str]
    added: own_card.OwnPoints | None
    joint: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class BankPortrait:
    """All of the page."""

    credit: CreditView
    purpose: Text
    hidden: tuple[Text, ...]
    groups: tuple[tuple[Text, Text, float | None, tuple[Said, ...]], ...]
    checks: tuple[Said, ...]
    flags: tuple[Said, ...]
    ahead: tuple[Markup, ...]
    news: tuple[NewsMonth, ...]
    news_chart: Markup
    graph: tuple[Around, ...]
    leads: tuple[LeadSaid, ...]
    leads_granted: bool
    own: OwnView


def bank_portrait(tx: Tx, file: CreditFile, permit: Permit, purpose: str, own: OwnView) -> BankPortrait:
    """The view of ``file`` as read under ``permit``."""
    known = [_said(key, file, permit) for key in indicators()]
    return BankPortrait(
        credit=credit_view(tx, file, permit, []),
        purpose=purposes()[purpose].name,
        hidden=tuple(
            d.name for key, d in data_sets().items() if key not in permit.data_sets and not _personal(key)
        ),
        groups=tuple(_groups(file, permit)),
        checks=tuple(
            said for said in known if indicators()[said.id].source == "XC" and said.value is not None
        ),
        flags=tuple(said for said in known if said.flag is not None),
        ahead=tuple(_ahead(file)),
        news=tuple(_news(file)),
        news_chart=_news_chart(file),
        graph=tuple(looks(file.edges, file.names, file.company_id)) if file.edges else (),
        leads=tuple(_lead(lead, file) for lead in _gravest(file.leads)),
        leads_granted=LEADS in permit.data_sets,
        own=own,
    )


def own_view(tx: Tx, institution: Any, file: CreditFile) -> OwnView:  # noqa: ANN401 - the actor's, checked by its side
    """The bank's facts of the firm, and its card on top of our score."""
    facts = own_data.facts(tx, institution, file.company_id)
    card = own_card.current(tx, institution)
    if card is None or file.score is None:
        return OwnView(facts, None, None)
    values = {name: value.value for name, value in file.indicators.items()}
    added = own_card.points(card.card, values, facts)
    return OwnView(facts, added, own_card.on_top(file.score, card.card, added))


def _personal(code: str) -> bool:
    return data_sets()[code].personal


def _said(key: str, file: CreditFile, permit: Permit) -> Said:
    item, found = indicators()[key], file.indicators.get(key)
    missing = NOT_GRANTED if found is None else REASONS.get(found.missing or "", ABSENT)
    value = None if found is None or found.value is None else quantity(found.value, item.unit.id)
    flag = item.red_flag.text if found is not None and found.flagged and item.red_flag else None
    disputed = not permit.disputed.isdisjoint({key, item.source})
    return Said(key, item.name, value, missing, flag, disputed)


def _groups(file: CreditFile, permit: Permit) -> Iterable[tuple[Text, Text, float | None, tuple[Said, ...]]]:
    """Capital, solvency, collateral: the score among peers and what it is made of."""
    for key, dimension in dimensions().items():
        if dimension.kind == "strength":
            rows = tuple(_said(name, file, permit) for name in dimension.weights)
            yield dimension.name, dimension.about, file.radar.get(key), rows


def _ahead(file: CreditFile) -> Iterable[Markup]:
    past = [Past(f"{m.month:%Y-%m}", m.sales or 0.0, m.purchases or 0.0) for m in file.months]
    for name, months in file.ahead.items():
        coming = [
            Month(m.month, m.value, m.low, m.high)
            for m in months
            if m.value is not None and m.low is not None and m.high is not None
        ]
        if coming and name in TRADING:
            yield forecast_chart(TRADING[name], past if name == "sales" else (), coming)


def _news(file: CreditFile) -> Iterable[NewsMonth]:
    words = events()
    for row in reversed(file.news):
        kinds = tuple(words[k].name if k in words else Text(zh=k, en=k) for k in row.get("kinds") or ())
        titles = tuple(str(title) for title in row.get("titles") or ())
        yield NewsMonth(str(row["month"])[:7], int(row["negative"]), kinds, titles)


def _news_chart(file: CreditFile) -> Markup:
    if not file.news:
        return Markup()
    counts = {str(row["month"])[:7]: int(row["negative"]) for row in file.news}
    quarters: dict[str, int] = {}
    for month in _months(file.as_of):
        quarter = f"{month[2:4]}Q{(int(month[5:]) + 2) // 3}"
        quarters[quarter] = quarters.get(quarter, 0) + counts.get(month, 0)
    title = Text(zh="近三年每季度负面报道篇数", en="negative articles a quarter, three years")
    return columns(title, list(quarters.items()), Text(zh="季度", en="quarter"))


def _months(last: date) -> list[str]:
    index = last.year * 12 + last.month - 1
    return [f"{i // 12}-{i % 12 + 1:02}" for i in range(index - MONTHS_OF_NEWS + 1, index + 1)]


def _gravest(leads: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    rank = {name: i for i, name in enumerate(SEVERITIES)}
    return sorted(leads, key=lambda lead: rank.get(lead["severity"], len(rank)))


def _lead(lead: dict[str, Any], file: CreditFile) -> LeadSaid:
    rule = rules()[lead["rule"]]
    records = lead.get("records") or ()
    shown = tuple(
        (
            _contract(record["contract"]),
            str(record["key"]),
            str(record.get("day") or "—"),
            money(record["cents"] / 100) if record.get("cents") is not None else None,
        )
        for record in records[:RECORDS_SHOWN]
    )
    arcs = [
        Arc(named(e["source"], file.names), named(e["target"], file.names), str(e["kind"]))
        for e in lead.get("edges") or ()
    ]
    title = Text(zh=f"{rule.name.zh}的关联子图", en=f"subgraph of {rule.name.en}")
    centre = named(lead["company_id"], file.names)
    return LeadSaid(
        id=lead["rule"],
        name=rule.name,
        about=rule.about,
        severity=SEVERITIES[lead["severity"]],
        kind=SEVERITY_KIND[lead["severity"]],
        figures=tuple(_figure(name, value) for name, value in (lead.get("figures") or {}).items()),
        records=shown,
        more=max(int(lead.get("records_total") or 0) - len(shown), 0),
        drawing=small_graph(arcs, centre, title) if arcs else None,
    )


def _contract(name: str) -> Text:
    found = contracts().get(name)
    return found.name if found else Text(zh=name, en=name)


def _figure(name: str, value: Any) -> tuple[Text, Text]:  # noqa: ANN401 - JSON
    words, unit = FIGURES.get(name, (Text(zh=name, en=name), "text"))
    if isinstance(value, str) or unit in ("text", "date"):
        return words, Text(zh=str(value), en=str(value))
    return words, Text(zh=f"{value:.2g}", en=f"{value:.2g}") if unit == "number" else quantity(value, unit)
