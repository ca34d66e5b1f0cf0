"""The page of a run: what was read, what it is worth, what was decided; and the list of companies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Literal

from markupsafe import Markup

from xinqiao.kernel.quantity import Number, percent
from xinqiao.kernel.text import Text
from xinqiao.report.charts.bars import ScoreBin, Share, columns, histogram, level, shares
from xinqiao.report.charts.curves import CalibrationBin, Roc, calibration, roc
from xinqiao.report.charts.scale import Stand, pd_limit
from xinqiao.report.company import Outcome
from xinqiao.report.page import OUTCOMES, render
from xinqiao.report.view import Link, Performance

ROWS_A_PAGE = 500

TRAP_KINDS = {
    "repair": Text(zh="已修复", en="repaired"),
    "flag": Text(zh="已标记，保留", en="flagged, kept"),
    "quarantine": Text(zh="已隔离", en="quarantined"),
    "observe": Text(zh="仅提示，未改动", en="noted, unchanged"),
}
_OUTCOME_COLOURS = {"approve": "c4", "refer": "c5", "reject": "c2"}


@dataclass(frozen=True, slots=True)
class IngestRow:
    """Rows of one labelled input: read = kept + quarantined; repaired and flagged are among the kept."""

    label: str
    contract: Text
    read: int
    kept: int
    repaired: int
    flagged: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Trap:
    """A named irregularity of the data and what was done about it."""

    label: str
    rule: str
    name: Text
    kind: Literal["repair", "flag", "quarantine", "observe"]
    count: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """For how many companies an indicator has a value, and why not for the others."""

    id: str
    name: Text
    known: int
    companies: int
    reasons: tuple[tuple[Text, int], ...] = ()


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """How many companies had an outcome, and the sum of their limits in CNY."""

    outcome: Outcome
    companies: int
    limit_cny: Number


@dataclass(frozen=True, slots=True)
class GradeRow:
    """One grade: its companies, their mean PD, and what was granted. None: does not apply.

    ``observed`` is the default rate seen among those companies of the grade whose outcome is known.
    """

    grade: str
    name: Text
    companies: int
    mean_pd: float | None
    observed: float | None
    approved: int
    limit_cny: Number
    mean_limit_cny: Number | None
    mean_rate: float | None


@dataclass(frozen=True, slots=True)
class ArmRow:
    """What one arm of a release decided on one group of companies.

    ``stands``: its decisions hold; otherwise they were made silently beside them. Amounts in CNY,
    ``mean_rate`` by limit, ``expected_loss`` over the amount approved. ``known`` approved companies
    have a known outcome, ``bads`` of them defaulted; low and high bound their share at 95 %.
    """

    group: Text
    arm: Text
    stands: bool
    companies: int
    approved: int
    referred: int
    rejected: int
    limit_cny: Number
    mean_rate: float | None
    expected_loss: float | None
    known: int
    bads: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Trial:
    """A release: its name, its mode and its arms side by side; ``lgd`` is assumed for expected losses."""

    name: Text
    mode: Literal["shadow", "live"]
    lgd: float
    arms: tuple[ArmRow, ...]


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """One line of the list; ``href`` is the company's page, relative to the summary."""

    id: str
    name: str
    points: float
    grade: str
    pd: float
    outcome: Outcome
    limit_cny: Number | None
    rate: Number | None
    href: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Everything the summary and the list pages show, as plain values."""

    dataset: Text
    generated: bool
    as_of: date
    run_id: str
    version: str
    policy: Text
    model_id: str
    ingest: tuple[IngestRow, ...]
    traps: tuple[Trap, ...]
    coverage: tuple[Coverage, ...]
    performance: tuple[Performance, ...]
    roc: tuple[Roc, ...]
    calibration: tuple[CalibrationBin, ...]
    score_bins: tuple[ScoreBin, ...]
    outcomes: tuple[OutcomeRow, ...]
    grades: tuple[GradeRow, ...]
    companies: tuple[CompanyRow, ...]
    links: tuple[Link, ...]
    notes: tuple[Text, ...] = ()
    home: str = "summary.html"
    trial: Trial | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of the list: its file, its first and last company and its rows."""

    file: str
    number: int
    first: str
    last: str
    rows: tuple[CompanyRow, ...]


def list_pages(rows: Sequence[CompanyRow], size: int = ROWS_A_PAGE) -> tuple[ListPage, ...]:
    """``rows`` cut into pages of ``size``, in the order given."""
    cut = [tuple(rows[i : i + size]) for i in range(0, len(rows), size)]
    return tuple(
        ListPage(f"companies-{n:03d}.html", n, part[0].id, part[-1].id, part)
        for n, part in enumerate(cut, start=1)
    )


def render_summary(view: RunSummary) -> str:
    """The one-page summary; with more than ROWS_A_PAGE companies it links to list pages instead."""
    pages = list_pages(view.companies)
    return render(
        "summary.html",
        page=view,
        title=Text(zh=f"{view.dataset.zh} 运行结果", en="run summary"),
        totals=_totals(view.ingest),
        traps=[(label, list(rows)) for label, rows in groupby(view.traps, key=lambda t: t.label)],
        trap_kinds=TRAP_KINDS,
        cover=lambda c: level(c.known, c.companies, percent(c.known / c.companies if c.companies else 0)),
        charts=_charts(view),
        mix=_mix(view),
        lists=pages,
        inline=pages[0] if len(pages) == 1 else None,
    )


def render_lists(view: RunSummary) -> Iterator[tuple[str, str]]:
    """(file name, page) of every list page; none when the summary holds the whole list."""
    pages = list_pages(view.companies)
    if len(pages) < 2:  # noqa: PLR2004 - a single page stands inside the summary
        return
    for part in pages:
        title = Text(zh=f"企业名单 {part.number}", en=f"companies, page {part.number}")
        yield part.file, render("companies.html", page=view, title=title, part=part, lists=pages)


def _totals(rows: Sequence[IngestRow]) -> dict[str, int]:
    names = ("read", "kept", "repaired", "flagged", "quarantined")
    return {name: sum(getattr(row, name) for row in rows) for name in names}


def _mix(view: RunSummary) -> Markup:
    parts = [Share(OUTCOMES[o.outcome], o.companies, _OUTCOME_COLOURS[o.outcome]) for o in view.outcomes]
    return shares(Text(zh="决定的构成", en="mix of decisions"), parts)


def _charts(view: RunSummary) -> dict[str, Markup]:
    """The charts whose data are at hand, by name."""
    charts = {
        "grades": columns(
            Text(zh="各等级企业数", en="companies by grade"),
            [(g.grade, g.companies) for g in view.grades],
            Text(zh="等级（左好右差）", en="grade, best at left"),
        ),
        "limits": pd_limit(
            Text(zh="违约概率与额度", en="probability of default and limit"),
            [Stand(c.pd, float(c.limit_cny)) for c in view.companies if c.limit_cny is not None],
        ),
    }
    if view.roc:
        charts["roc"] = roc(Text(zh="ROC 曲线（折外）", en="ROC, out of fold"), view.roc)
    if view.calibration:
        charts["calibration"] = calibration(Text(zh="校准", en="calibration"), view.calibration)
    if view.score_bins:
        charts["scores"] = histogram(
            Text(zh="评分分布（训练样本内）", en="distribution of points in the training sample"),
            view.score_bins,
        )
    return charts
