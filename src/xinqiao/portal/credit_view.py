"""What a firm's own credit page shows: its file, explained by the model that scored it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from xinqiao.consent.access import Permit
from xinqiao.consent.grants import Grant
from xinqiao.consent.terms import data_sets
from xinqiao.db.database import Tx
from xinqiao.enterprise.industry import find_industry
from xinqiao.enterprise.size import NAMES
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.quantity import odds_in_words, quantity
from xinqiao.kernel.text import Text
from xinqiao.portrait.credit_file import CreditFile, model_bytes
from xinqiao.portrait.radar import dimensions
from xinqiao.portrait.tag import Tag, tags
from xinqiao.report.charts import bars, radar, scale
from xinqiao.run.views import bands
from xinqiao.scoring.card import Value
from xinqiao.scoring.counterfactual import Advice, actions, advise
from xinqiao.scoring.model import Model
from xinqiao.scoring.reasons import Reason
from xinqiao.scoring.segment import INDUSTRY, KIND
from xinqiao.source.contract import contracts

FAMILIAR = (
    *("INV01", "INV02", "INV12", "INV14", "INV15", "TAX01", "TAX06", "TAX14", "SOC01", "SOC02", "ELE01"),
    *("BNK02", "BNK04", "BNK12", "CRD10", "REG14"),
)
"""What owners know of their own firm; compared with peers in this order."""
REASONS_SHOWN = 10
MONTHS_SHOWN = 24

Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Peer:
    """An indicator beside the median of similar firms. ``better``: None where neither side is."""

    name: Text
    own: Text
    median: Text
    better: bool | None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A data set: how many indicators have a value, the latest record, and who may read it now."""

    name: Text
    known: int
    total: int
    last: str | None
    public: bool
    readers: int


@dataclass(frozen=True, slots=True)
class Ray:
    """A dimension of the radar or a strength; None: too little is known."""

    name: Text
    about: Text
    score: float | None


@dataclass(frozen=True, slots=True)
class CreditView:
    """Everything on the page. ``advice`` and what follows from the model are empty without a score."""

    file: CreditFile
    permit: Permit
    industry: Text
    size: Text
    grade: Text | None
    flags: tuple[Text, ...]
    odds: Text | None
    gauge: Markup
    firms: Markup
    radar: Markup
    rays: tuple[Ray, ...]
    strengths: tuple[Ray, ...]
    peers_named: Text
    gained: tuple[Reason, ...]
    lost: tuple[Reason, ...]
    advice: Advice | None
    peers: tuple[Peer, ...]
    sources: tuple[SourceRow, ...]
    tags: tuple[Tag, ...]
    trading: Markup


def credit_view(tx: Tx, file: CreditFile, permit: Permit, grants: list[Grant]) -> CreditView:
    """The view of ``file``, read under ``permit``; ``grants`` of the firm tell who reads what."""
    told = file.score or {}
    scored = "points" in told and not file.in_default
    model = model_of(tx, file.model_id) if scored else None
    row = row_of(file)
    known = {key: Ray(d.name, d.about, file.radar.get(key)) for key, d in dimensions().items()}
    rays = tuple(known[key] for key, d in dimensions().items() if d.kind == "radar")
    return CreditView(
        file=file,
        permit=permit,
        industry=industry_name(file.register_.industry),
        size=NAMES.get(file.register_.size or "UNKNOWN", NAMES["UNKNOWN"]),  # type: ignore[call-overload] # any text
        grade=_grade(model, told.get("grade")),
        flags=flags_of(file),
        odds=odds_in_words(told["pd"]) if scored else None,
        gauge=_gauge(model, row, told) if model else Markup(),
        firms=scale.firms(told["pd"]) if scored else Markup(),
        radar=radar.radar(Text(zh="六维雷达", en="six dimensions"), [(ray.name, ray.score) for ray in rays]),
        rays=rays,
        strengths=tuple(known[key] for key, d in dimensions().items() if d.kind == "strength"),
        peers_named=peers_named(file.radar_peers),
        gained=_reasons(model, row, file, "gained"),
        lost=_reasons(model, row, file, "lost"),
        advice=_advice(file.model_id, model, row),
        peers=tuple(_peers(model, file)) if model else (),
        sources=tuple(_sources(file, grants)),
        tags=tuple(tags().tags[key] for key in file.tags if key in tags().tags),
        trading=_trading(file),
    )


def flags_of(file: CreditFile) -> tuple[Text, ...]:
    """The red flags that a file raises, in the words of the catalog."""
    known = indicators()
    raised = (known[name] for name, value in file.indicators.items() if value.flagged and name in known)
    return tuple(indicator.red_flag.text for indicator in raised if indicator.red_flag is not None)


_MODELS: dict[str, Model] = {}


def model_of(tx: Tx, model_id: str) -> Model:
    """A published model; kept, since an id is the digest of the bytes. Raises UserError PTR-ABSENT."""
    if model_id not in _MODELS:
        _MODELS[model_id] = Model.from_json(model_bytes(tx, model_id))
    return _MODELS[model_id]


def row_of(file: CreditFile) -> Row:
    """What a model scores: every indicator (None: missing) and the facts beside them."""
    row: Row = dict.fromkeys(indicators())
    row |= {name: value.value for name, value in file.indicators.items()}
    return row | {KIND: file.register_.kind, INDUSTRY: file.register_.industry}


def industry_name(code: str | None) -> Text:
    """An industry in words, with its code."""
    found = find_industry(code) if code else None
    if found is None:
        return Text(zh="未登记", en="not registered")
    return Text(zh=f"{found.name}（{found.code}）", en=found.code)


def peers_named(group: str | None) -> Text:
    """Peers of a group such as ``C|small`` in words."""
    section, _, size = (group or "").partition("|")
    found = find_industry(section) if section else None
    if found is None:
        return Text(zh="全部企业", en="all companies")
    word = NAMES.get(size, Text(zh="", en=""))  # type: ignore[call-overload] # any text
    return Text(zh=f"{found.name}{word.zh}企业", en=f"{word.en} firms of section {section}".strip())


def _grade(model: Model | None, grade: str | None) -> Text | None:
    if model is None or grade is None:
        return None
    told = model.scale.describe(grade)
    return Text(zh=f"{told.name.zh}：{told.text.zh}", en=f"{told.name.en}: {told.text.en}")


def _gauge(model: Model, row: Row, told: Mapping[str, float]) -> Markup:
    title = Text(zh="信用等级", en="credit grade")
    return scale.gauge(title, told["points"], str(told["grade"]), bands(model, model.part(row)))


def _reasons(model: Model | None, row: Row, file: CreditFile, way: str) -> tuple[Reason, ...]:
    if model is None:
        return ()
    group, known = file.register_.peer_group, indicators()
    found = model.reasons(row, known, group=group, limit=len(known), direction=way)  # type: ignore[arg-type] # two words
    # what the grant doesn't cover is left out: without its value nothing true can be said of it
    return tuple(r for r in found if r.indicator not in known or r.indicator in file.indicators)[
        :REASONS_SHOWN
    ]


def _advice(model_id: str, model: Model | None, row: Row) -> Advice | None:
    if model is None:
        return None
    moved = {effect.indicator for action in actions().values() for effect in action.effects}
    wanted = sorted({*model.names, *model.facts, *moved})
    return _advised(model_id, tuple((name, row.get(name)) for name in wanted))


@lru_cache(maxsize=2048)
def _advised(model_id: str, row: tuple[tuple[str, Value], ...]) -> Advice:
    """Advice for one row: tried once, shown often (a tenth of a second of trying)."""
    return advise(_MODELS[model_id], dict(row))


def _peers(model: Model, file: CreditFile) -> Iterator[Peer]:
    medians = model.peers.of(file.register_.peer_group)
    for name in FAMILIAR:
        own, median, known = file.indicators.get(name), medians.get(name), indicators()[name]
        if own is None or own.value is None or not isinstance(median, int | float):
            continue
        better = None
        if known.direction != "~" and own.value != median:
            better = (own.value > median) == (known.direction == "+")
        unit = known.unit.id
        yield Peer(known.name, quantity(own.value, unit), quantity(median, unit), better)


def _sources(file: CreditFile, grants: list[Grant]) -> Iterator[SourceRow]:
    force = [grant for grant in grants if grant.in_force]
    for code, item in data_sets().items():
        ids = [key for key, known in indicators().items() if known.source == code]
        if not ids:
            continue
        held = [found for key, found in file.sources.items() if _source_of(key) == code]
        yield SourceRow(
            name=item.name,
            known=sum(
                1 for key in ids if (v := file.indicators.get(key)) is not None and v.value is not None
            ),
            total=len(ids),
            last=max((str(found["last"]) for found in held if found.get("last")), default=None),
            public=item.open,
            readers=len({grant.institution for grant in force if code in grant.data_sets}),
        )


def _source_of(contract_id: str) -> str | None:
    found = contracts().get(contract_id)
    return found.source if found else None


def _trading(file: CreditFile) -> Markup:
    months = [
        bars.Month(f"{m.month:%Y-%m}", m.sales or 0.0, m.purchases or 0.0)
        for m in file.months[-MONTHS_SHOWN:]
    ]
    if not months:
        return Markup()
    return bars.monthly(Text(zh="近24个月开票", en="invoices of 24 months"), months)
