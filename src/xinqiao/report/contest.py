"""The page of a comparison of methods on one flat table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from xinqiao.kernel.quantity import fixed
from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import Plot, figure, ticks
from xinqiao.report.page import render

ROW_PX = 24
STATES = {
    "done": Text(zh="完成", en="done"),
    "late": Text(zh="超时，只算完成的折", en="over time, folds done only"),
    "absent": Text(zh="未安装", en="not installed"),
    "failed": Text(zh="失败", en="failed"),
}
ROLES = {
    "card": Text(zh="评分卡", en="card"),
    "challenger": Text(zh="挑战者", en="challenger"),
    "peer": Text(zh="其他库", en="peer"),
}
COLOURS = {"card": "c1", "challenger": "c2", "peer": "c4"}


@dataclass(frozen=True, slots=True)
class Measure:
    """Mean and standard deviation over folds."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One method: its measures over ``folds`` folds, None where it has none; ``fit_s`` in CPU-seconds."""

    name: Text
    role: str
    state: str
    fault: str
    folds: int
    auc: Measure | None = None
    ks: Measure | None = None
    brier: Measure | None = None
    log_loss: Measure | None = None
    fit_s: Measure | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What was compared on which table; ``notes`` say how the table was read."""

    table: str
    target: str
    positive: str
    rows: int
    bads: int
    columns: int
    folds: int
    seed: int
    notes: tuple[Text, ...]
    entries: tuple[Entry, ...]
    generated: bool = False


def contest_page(page: Page) -> str:
    """The page as HTML, complete in itself."""
    title = Text(zh="建模方法比较", en="Comparison of fitters")
    return render(
        "contest.html", page=page, title=title, chart=_chart(page.entries), states=STATES, roles=ROLES
    )


def _chart(entries: Sequence[Entry]) -> Markup:
    """AUC of every method with one standard deviation to each side."""
    shown = [(e, e.auc) for e in entries if e.auc is not None]
    low = min((m.mean - m.sd for _, m in shown), default=0.5)
    high = max((m.mean + m.sd for _, m in shown), default=1.0)
    room = max((high - low) * 0.08, 0.002)
    low, high = max(0.0, low - room), min(1.0, high + room)
    plot = Plot(low, high, 0, max(len(shown), 1), height=ROW_PX * max(len(shown), 1), pad=(10, 20, 44, 190))
    mark = (high - low) / 250
    for i, (entry, measure) in enumerate(shown):
        y = len(shown) - i - 0.5
        hint = Text(zh=f"{entry.name.zh}：{_said(measure)}", en=f"{entry.name.en}: {_said(measure)}")
        plot.line((measure.mean - measure.sd, y), (measure.mean + measure.sd, y), "zero")
        plot.rect((measure.mean - mark, measure.mean + mark), (y - 0.28, y + 0.28), COLOURS[entry.role], hint)
        plot.parts.append(
            f'<text class="tl" x="-8" y="{ROW_PX * (i + 0.5) + 4:g}" text-anchor="end">'
            f"{Markup.escape(entry.name.zh)} {measure.mean:.3f}</text>"
        )
    plot.x_axis(
        ((m, fixed(m, 3, strip=True)) for m in ticks(low, high)), Text(zh="折外 AUC", en="AUC, unseen folds")
    )
    title = Text(zh="各方法的 AUC", en="AUC of the methods")
    words = Text(
        zh="；".join(f"{e.name.zh} {_said(m)}" for e, m in shown),
        en="; ".join(f"{e.name.en} {_said(m)}" for e, m in shown),
    )
    kinds = [(COLOURS[r], ROLES[r]) for r in COLOURS if any(e.role == r for e, _ in shown)]
    return figure(title, plot.svg(title, words), kinds)


def _said(measure: Measure) -> str:
    return f"{fixed(measure.mean, 4)} ± {fixed(measure.sd, 4)}"
