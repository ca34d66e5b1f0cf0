"""Curves that show how well a model tells apart and how true its probabilities are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from xinqiao.kernel.quantity import fixed, percent
from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import Plot, Points, figure, ticks

_QUARTERS = [(q, percent(q, 0)) for q in (0.0, 0.25, 0.5, 0.75, 1.0)]


@dataclass(frozen=True, slots=True)
class Roc:
    """An ROC curve: points (false-positive rate, true-positive rate) from (0, 0) to (1, 1).

    ``auc`` goes into the key (e.g. the mean of several repeats); None: the area under ``points``.
    """

    name: Text
    points: tuple[tuple[float, float], ...]
    auc: float | None = None


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Companies with similar PD: mean predicted PD, observed default rate and its 95 % interval."""

    predicted: float
    observed: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class KsPoint:
    """Shares of the paying and of the defaulted companies with at most ``points`` points."""

    points: float
    good: float
    bad: float


def roc(title: Text, curves: Sequence[Roc]) -> Markup:
    """Share of defaulted firms caught against share of paying firms wrongly suspected."""
    plot = Plot(0, 1, 0, 1, height=220)
    plot.y_axis(_QUARTERS)
    plot.line((0, 0), (1, 1), "ref")
    legend: list[tuple[str, Text]] = []
    for i, curve in enumerate(curves):
        kind = f"l{i % 4 + 1}"
        plot.curve(curve.points, kind)
        area = fixed(_area(curve.points) if curve.auc is None else curve.auc, 3)
        legend.append((kind, Text(zh=f"{curve.name.zh} {area}", en=curve.name.en)))
    plot.x_axis(_QUARTERS, Text(zh="误判的正常企业", en="paying firms misjudged"))
    desc = Text(
        zh="ROC 曲线下面积：" + "；".join(t.zh for _, t in legend),
        en="area under the curve: " + "; ".join(t.zh.rsplit(" ", 1)[-1] for _, t in legend),
    )
    return figure(title, plot.svg(title, desc), legend)


def _area(points: Points) -> float:
    """Trapezoid area under the curve."""
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(points))


def calibration(title: Text, bins: Sequence[CalibrationBin]) -> Markup:
    """Observed default rate with interval against predicted PD; the diagonal is perfect."""
    top = min(1.0, max([b.high for b in bins] + [b.predicted for b in bins] + [0.05]) * 1.05)
    plot = Plot(0, top, 0, top, height=220)
    marks = [(m, percent(m, 1 if top < 0.1 else 0)) for m in ticks(0, top)]  # noqa: PLR2004 - axis below 10 %
    plot.y_axis(marks)
    plot.line((0, 0), (top, top), "ref")
    for b in bins:
        plot.line((b.predicted, b.low), (b.predicted, b.high), "whisker")
        hint = Text(
            zh=f"预测 {percent(b.predicted)}，实际 {percent(b.observed)}（{b.count} 家）",
            en=f"predicted {percent(b.predicted)}, observed {percent(b.observed)}, n={b.count}",
        )
        plot.dot(b.predicted, b.observed, 4, "c1", hint)
    plot.x_axis(marks, Text(zh="预测违约概率", en="predicted PD"))
    desc = Text(
        zh="；".join(f"预测 {percent(b.predicted)} 实际 {percent(b.observed)}" for b in bins),
        en="; ".join(f"predicted {percent(b.predicted)} observed {percent(b.observed)}" for b in bins),
    )
    legend = [
        ("c1 round", Text(zh="实际违约率与 95% 区间", en="observed rate, 95 % interval")),
        ("ref", Text(zh="完全一致", en="perfect")),
    ]
    return figure(title, plot.svg(title, desc), legend)


def ks(title: Text, points: Sequence[KsPoint]) -> Markup:
    """Cumulative shares by points; the widest gap is the KS statistic."""
    low, high = (points[0].points, points[-1].points) if points else (0.0, 1.0)
    plot = Plot(low, high, 0, 1, height=220)
    plot.y_axis(_QUARTERS)
    plot.curve([(p.points, p.good) for p in points], "l1")
    plot.curve([(p.points, p.bad) for p in points], "l2")
    widest = max(points, key=lambda p: p.bad - p.good, default=None)
    gap = "—"
    if widest is not None:
        gap = fixed(widest.bad - widest.good, 3)
        plot.line((widest.points, widest.good), (widest.points, widest.bad), "gap")
    plot.x_axis([(m, fixed(m)) for m in ticks(low, high)], Text(zh="评分", en="points"))
    legend = [
        ("l1", Text(zh="正常企业累计", en="paying firms, cumulated")),
        ("l2", Text(zh="违约企业累计", en="defaulted firms, cumulated")),
        ("gap", Text(zh=f"最大差距 KS {gap}", en="widest gap")),
    ]
    return figure(title, plot.svg(title, Text(zh=f"KS {gap}", en=f"KS {gap}")), legend)
