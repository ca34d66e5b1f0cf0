"""The calibration page: a generated region beside real sets, measure by measure."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from xinqiao.kernel.quantity import fixed, percent
from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import Plot, Points, figure, ticks
from xinqiao.report.page import render

_QUARTERS = [(q, percent(q, 0)) for q in (0.0, 0.5, 1.0)]
Sample = tuple[int, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure on both sides.

    ``real`` and ``generated`` are (values, mean, 10th, 50th, 90th percentile); ``distance`` is the
    Kolmogorov-Smirnov statistic; the ratios are generated / real, None where the real one is 0;
    ``curves`` are the cumulative shares, real then generated, at the same places.
    """

    id: str
    source: str
    name: Text
    share: bool
    real: Sample
    generated: Sample
    distance: float
    ratio_median: float | None
    ratio_high: float | None
    verdict: Text
    note: Text | None
    curves: tuple[Points, Points]

    def told(self, value: float) -> str:
        """A value of the measure as it is read."""
        return percent(value) if self.share else fixed(value, 2)


@dataclass(frozen=True, slots=True)
class Defaults:
    """Shares of defaults: (real set, share), and the city's over its whole period."""

    real: tuple[tuple[str, float], ...]
    generated: float


@dataclass(frozen=True, slots=True)
class CalibrationPage:
    """What the page shows; ``missing`` are the real sets that were not there."""

    rows: tuple[Compared, ...]
    defaults: Defaults
    missing: tuple[str, ...]
    generated: bool = True


def render_calibration(page: CalibrationPage) -> str:
    """The page as one self-contained HTML document."""
    title = Text(zh="生成区域与真实数据", en="Generated region beside real data")
    charts = [cumulated(row) for row in page.rows if row.curves[0][0][0] < row.curves[0][-1][0]]
    return render("calibration.html", page=page, title=title, charts=charts)


def cumulated(row: Compared) -> Markup:
    """Cumulative shares of both samples."""
    real, made = row.curves
    low, high = real[0][0], real[-1][0]
    plot = Plot(low, high, 0, 1, height=120)
    plot.y_axis(_QUARTERS)
    plot.curve(real, "l1")
    plot.curve(made, "l2")
    digits = 2 if high - low < 2 else 0  # noqa: PLR2004 - a narrow axis needs decimals
    plot.x_axis([(m, fixed(m, digits)) for m in ticks(low, high, 4)])
    legend = [("l1", Text(zh="真实", en="real")), ("l2", Text(zh="生成", en="generated"))]
    told = fixed(row.distance, 3)
    return figure(row.name, plot.svg(row.name, Text(zh=f"距离 {told}", en=f"distance {told}")), legend)
