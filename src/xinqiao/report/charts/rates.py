"""Shares over months: vintage curves and the like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from xinqiao.kernel.quantity import percent
from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import Plot, figure, ticks

KINDS = ("l1", "l2", "l3", "l4")
LEAST_TOP = 0.01


@dataclass(frozen=True, slots=True)
class Curve:
    """A share (0 to 1) at month 0, 1, 2 and so on."""

    name: Text
    shares: tuple[float, ...]


def rates(title: Text, curves: Sequence[Curve], axis: Text) -> Markup:
    """Up to four curves of shares over months; zero is always in the picture."""
    shown = list(zip(KINDS, curves, strict=False))
    longest = max((len(each.shares) for _, each in shown), default=0)
    most = max((share for _, each in shown for share in each.shares), default=0.0)
    plot = Plot(0, max(longest - 1, 1), 0, max(most * 1.1, LEAST_TOP), height=220, pad=(12, 14, 40, 52))
    digits = 1 if plot.y_high < 0.1 else 0  # noqa: PLR2004 - an axis below 10 %
    plot.y_axis((m, percent(m, digits)) for m in ticks(0, plot.y_high))
    for kind, each in shown:
        plot.curve([(float(k), share) for k, share in enumerate(each.shares)], kind)
    plot.x_axis([(m, f"{m:.0f}") for m in ticks(0, plot.x_high) if m == int(m)], axis)
    told = [(each, percent(each.shares[-1]) if each.shares else "—") for _, each in shown]
    desc = Text(
        zh="；".join(f"{each.name.zh} {last}" for each, last in told),
        en="; ".join(f"{each.name.en} {last}" for each, last in told),
    )
    return figure(title, plot.svg(title, desc), [(kind, each.name) for kind, each in shown])
