"""Where one company stands: the scale of points with grade bands, and PD against limit for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from xinqiao.kernel.quantity import defaults_among, fixed, percent, wan
from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import Plot, figure, num, ticks


@dataclass(frozen=True, slots=True)
class Band:
    """Points from ``low`` up to ``high`` earn ``grade``; the outermost ends are None (open)."""

    grade: str
    low: float | None
    high: float | None


def gauge(title: Text, points: float, grade: str, bands: Sequence[Band]) -> Markup:
    """All grades from worst to best in equal steps, the company's place marked.

    Equal steps, because a grade is a rank: true widths would squeeze the grades that matter.
    ``bands`` run from the lowest points to the highest.
    """
    count = max(len(bands), 1)
    plot = Plot(0, count, 0, 1, height=26, pad=(30, 10, 22, 10))
    for i, band in enumerate(bands):
        own = " own" if band.grade == grade else ""
        shade = round(4 * i / max(count - 1, 1))
        plot.rect((i + 0.03, i + 0.97), (0, 1), f"g{shade}{own}")
        plot.label(plot.x(i + 0.5), 17, str(escape(band.grade)), f"tg t{shade}{own}")
        if band.low is not None and i:
            plot.label(plot.x(i), 42, fixed(band.low), "tx")
    place = plot.x(_place(points, grade, bands))
    plot.parts.append(
        f'<svg class="stretch" x="{num(place)}%" y="0"><path class="mark" d="M0 0 l-6 -8 h12 z"/></svg>'
        f'<text class="tm" x="{num(min(96, max(4, place)))}%" y="-13">{escape(fixed(points))}</text>'
    )
    desc = Text(
        zh=f"{fixed(points)} 分，等级 {grade}；左低右高",
        en=f"{fixed(points)} points, grade {grade}; best at right",
    )
    return figure(title, plot.svg(title, desc))


def firms(pd: float) -> Markup:
    """A hundred similar firms as squares in four rows, those expected to default filled.

    Empty below about 1 %, where a hundred firms would show no default at all.
    """
    bad, base = defaults_among(pd)
    if base != _HUNDRED:
        return Markup("")
    rows = "".join(_row("calm", y, _A_ROW) for y in range(4))
    filled = "".join(_row("hit", y, min(_A_ROW, bad - _A_ROW * y)) for y in range(4) if bad > _A_ROW * y)
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="firms" role="img"><title>100 家中约 {bad} 家 / about {bad} of 100</title>'
        f"{rows}{filled}</svg>"
    )


_HUNDRED = 100
_A_ROW = 25


def _row(kind: str, y: int, squares: int) -> str:
    """``squares`` squares in row ``y``, as one dashed line: a hundred elements would fill the page."""
    width, at = 4 * squares, 12 * y + 6
    return f'<line class="{kind}" x1="0" y1="{at}" x2="{width}%" y2="{at}" pathLength="{width}"/>'


def _place(points: float, grade: str, bands: Sequence[Band]) -> float:
    """Place on the scale of equal steps: inside the own band, by the points.

    A grade without a band (D is given for a default, not for points) stands where its points are.
    """
    own = [i for i, band in enumerate(bands) if band.grade == grade]
    above = [i for i, band in enumerate(bands) if band.low is not None and points >= band.low]
    i = own[0] if own else max(above, default=0)
    if not bands or bands[i].low is None or bands[i].high is None:
        return i + 0.5
    low, high = bands[i].low or 0.0, bands[i].high or 0.0
    return i + min(0.95, max(0.05, (points - low) / ((high - low) or 1.0)))


@dataclass(frozen=True, slots=True)
class Stand:
    """One company's PD and limit in CNY (0: none granted)."""

    pd: float
    limit_cny: float


def pd_limit(title: Text, stands: Sequence[Stand]) -> Markup:
    """PD against limit; companies in the same cell of a 40 x 20 grid share one dot of their area.

    So the picture stays small with 20,000 companies.
    """
    right = max([s.pd for s in stands] + [0.05])
    top = max([s.limit_cny for s in stands] + [10_000.0])
    plot = Plot(0, right, 0, top * 1.05, height=200, pad=(22, 12, 40, 48))
    plot.parts.append(
        '<text class="tu" x="-6" y="-10">万元<tspan class="en" lang="en"> 10k CNY</tspan></text>'
    )
    plot.y_axis((m, wan(m)) for m in ticks(0, top))
    cells = Counter((round(40 * s.pd / right), round(20 * s.limit_cny / top)) for s in stands)
    scale = 7 / max(cells.values(), default=1) ** 0.5
    for (i, j), n in sorted(cells.items()):
        hint = Text(zh=f"{n} 家", en=f"{n} firms")
        plot.dot(i * right / 40, j * top / 20, max(1.5, scale * n**0.5), "c1 see", hint)
    plot.x_axis(
        [(m, percent(m, 0)) for m in ticks(0, right)], Text(zh="违约概率", en="probability of default")
    )
    desc = Text(zh=f"{len(stands)} 家企业的违约概率与额度", en=f"PD and limit of {len(stands)} firms")
    return figure(title, plot.svg(title, desc))
