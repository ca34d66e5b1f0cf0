"""Lines over a number, dots of two numbers and bars of amounts: what a portfolio page needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from xinqiao.kernel.quantity import fixed, wan
from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import Plot, Points, figure, ticks

_UNIT = '<text class="tu" x="-6" y="-10">万元<tspan class="en" lang="en"> 10k CNY</tspan></text>'
Shown = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Series:
    """Points (x, CNY) drawn as a line; ``kind`` is one of l1 to l4."""

    name: Text
    points: Points
    kind: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The title of an axis and how its marks are written."""

    title: Text
    shown: Shown


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the x axis worth a vertical line, e.g. where the plan stands."""

    at: float
    name: Text


def lines(title: Text, series: Sequence[Series], axis: Axis, mark: Mark | None = None) -> Markup:
    """Amounts in 万元 (10,000 CNY) over ``axis``; zero is always in the picture."""
    xs = [x for each in series for x, _ in each.points]
    ys = [0.0, *(y for each in series for _, y in each.points)]
    top, low = max(ys) * 1.05 or 1.0, min(ys) * 1.05
    plot = Plot(min(xs, default=0.0), max(xs, default=1.0), low, top, height=220, pad=(22, 14, 40, 48))
    plot.parts.append(_UNIT)
    plot.y_axis((m, wan(m)) for m in ticks(low, top))
    legend = [(each.kind, each.name) for each in series]
    if mark is not None:
        plot.line((mark.at, low), (mark.at, top), "ref")
        legend.append(("ref", mark.name))
    for each in series:
        plot.curve(each.points, each.kind)
        for x, y in each.points:
            hint = f"{axis.shown(x)}: {wan(y)}"
            colour = {"l1": "c1", "l2": "c2", "l3": "c4"}.get(each.kind, "c3")
            plot.dot(x, y, 2.5, colour, Text(zh=f"{hint} 万元", en=f"{hint} x 10k CNY"))
    plot.x_axis([(m, axis.shown(m)) for m in ticks(plot.x_low, plot.x_high)], axis.title)
    first, last = (each.points[i] if each.points else (0.0, 0.0) for each in series[:1] for i in (0, -1))
    desc = Text(
        zh=f"{axis.shown(first[0])} 时 {wan(first[1])} 万元，{axis.shown(last[0])} 时 {wan(last[1])} 万元",
        en=f"{wan(first[1])} x 10k CNY at {axis.shown(first[0])}, {wan(last[1])} at {axis.shown(last[0])}",
    )
    return figure(title, plot.svg(title, desc), legend)


@dataclass(frozen=True, slots=True)
class Cloud:
    """Dots (x, y) of one class; ``kind`` is one of c1 to c5."""

    name: Text
    points: Points
    kind: str


def clouds(title: Text, classes: Sequence[Cloud], across: Axis, up: Axis) -> Markup:
    """Dots of several classes, half transparent so that many in one place show darker."""
    xs = [x for each in classes for x, _ in each.points]
    ys = [y for each in classes for _, y in each.points]
    low, top = min(ys, default=0.0), max(ys, default=1.0)
    room = (top - low) * 0.08 or 0.01
    plot = Plot(0, max(xs, default=0.05) * 1.05, low - room, top + room, height=220, pad=(12, 14, 40, 52))
    plot.y_axis((m, up.shown(m)) for m in ticks(low, top))
    for each in classes:
        for x, y in each.points:
            hint = Text(zh=f"{across.shown(x)}，{up.shown(y)}", en=each.name.en)
            plot.dot(x, y, 3.2, f"{each.kind} see", hint)
    plot.x_axis([(m, across.shown(m)) for m in ticks(0, plot.x_high)], across.title)
    counts = [Text(zh=f"{c.name.zh} {len(c.points)} 家", en=f"{c.name.en}: {len(c.points)}") for c in classes]
    desc = Text(zh="；".join(c.zh for c in counts), en="; ".join(c.en for c in counts))
    legend = [(f"{each.kind} round", count) for each, count in zip(classes, counts, strict=True)]
    return figure(title, plot.svg(title, desc), legend)


@dataclass(frozen=True, slots=True)
class Stack:
    """One bar: its name and the amounts in CNY stacked in it."""

    name: str
    parts: tuple[float, ...]
    note: str


def stacks(title: Text, bars: Sequence[Stack], parts: Sequence[tuple[str, Text]], axis: Text) -> Markup:
    """Upright stacked bars of amounts, ``note`` above each; ``parts`` are (colour, name) from below."""
    top = max([sum(bar.parts) for bar in bars] + [10_000.0])
    plot = Plot(0, max(len(bars), 1), 0, top * 1.12, height=220, pad=(22, 6, 40, 48))
    plot.parts.append(_UNIT)
    plot.y_axis((m, wan(m)) for m in ticks(0, top))
    for i, bar in enumerate(bars):
        start = 0.0
        for amount, (colour, name) in zip(bar.parts, parts, strict=True):
            hint = Text(zh=f"{bar.name} {name.zh} {wan(amount)} 万元", en=f"{name.en} {fixed(amount)} CNY")
            plot.rect((i + 0.2, i + 0.8), (start, start + amount), colour, hint)
            start += amount
        plot.label(plot.x(i + 0.5), plot.y(start) - 5, str(escape(bar.note)), "tv")
    plot.x_axis([(i + 0.5, bar.name) for i, bar in enumerate(bars)], axis)
    told = "; ".join(f"{bar.name} {wan(sum(bar.parts))}" for bar in bars)
    desc = Text(zh=f"{told}（万元）", en=f"{told} (10k CNY)")
    return figure(title, plot.svg(title, desc), list(parts))
