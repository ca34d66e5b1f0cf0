"""Flows: how a whole divided one way comes to be divided another way (alluvial diagram)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from xinqiao.kernel.quantity import fixed
from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import Plot, figure, num

HEIGHT = 240
GAP = 16
NODE = 2.0
"""Width of a node in percent of the plot."""
LEAST = 1.2
"""Pixels that the smallest flow still has, so that one company in 100,000 is seen."""
LABEL = 30
"""Pixels between the labels of two nodes."""

Counts = Sequence[Sequence[int]]


def flows(title: Text, names: Sequence[Text], kinds: Sequence[str], counts: Counts) -> Markup:
    """``counts[i][j]`` items were of class i on the left and are of class j on the right.

    Those that stay are grey, those that move have the colour ``kinds[j]`` of where they go.
    """
    heights = _heights(counts)
    plot = Plot(0, 1, 0, 1, height=HEIGHT, pad=(10, 96, 14, 96))
    left = _tops([sum(row) for row in heights])
    right = _tops([sum(column) for column in zip(*heights, strict=True)])
    plot.parts.append(
        f'<svg class="stretch" viewBox="0 0 100 {HEIGHT}" preserveAspectRatio="none" width="100%"'
        f' height="{HEIGHT}">{"".join(_bands(names, kinds, counts, heights, left, right))}</svg>'
    )
    totals = [sum(row) for row in counts], [sum(column) for column in zip(*counts, strict=True)]
    sizes = [sum(row) for row in heights], [sum(column) for column in zip(*heights, strict=True)]
    for side, tops in enumerate((left, right)):
        x = 0.0 if side == 0 else 100.0 - NODE
        for kind, top, size in zip(kinds, tops, sizes[side], strict=True):
            box = f'x="{num(x)}%" y="{num(top)}" width="{num(NODE)}%" height="{num(size)}"'
            plot.parts.append(f'<rect class="{kind}" {box}/>')
        _labels(plot, side, names, totals[side], [t + s / 2 for t, s in zip(tops, sizes[side], strict=True)])
    return figure(title, plot.svg(title, _words(names, counts)))


def _heights(counts: Counts) -> list[list[float]]:
    """Pixels of every flow: in proportion, but none that is there vanishes."""
    total = sum(map(sum, counts)) or 1
    room = HEIGHT - GAP * (len(counts) - 1)
    raw = [[max(LEAST, room * n / total) if n else 0.0 for n in row] for row in counts]
    used = sum(map(sum, raw)) or 1.0
    return [[h * room / used for h in row] for row in raw]


def _tops(sizes: Sequence[float]) -> list[float]:
    tops = [0.0]
    for size in sizes[:-1]:
        tops.append(tops[-1] + size + GAP)
    return tops


def _bands(  # noqa: PLR0917 - what a band is drawn from
    names: Sequence[Text],
    kinds: Sequence[str],
    counts: Counts,
    heights: Sequence[Sequence[float]],
    left: Sequence[float],
    right: Sequence[float],
) -> list[str]:
    """The flows, those that move on top of those that stay."""
    starts, ends = list(left), list(right)
    still: list[str] = []
    moving: list[str] = []
    for i, row in enumerate(heights):
        for j, size in enumerate(row):
            if size:
                y0, y1 = starts[i], ends[j]
                hint = escape(f"{names[i].zh} → {names[j].zh}：{fixed(counts[i][j])}")
                path = _path(y0, y1, size)
                kind = "stays" if i == j else f"moves {kinds[j]}"
                band = f'<path class="{kind}" d="{path}"><title>{hint} {_english(names, i, j)}</title></path>'
                (still if i == j else moving).append(band)
                starts[i] += size
                ends[j] += size
    return [*still, *moving]


def _english(names: Sequence[Text], i: int, j: int) -> str:
    return str(escape(f"{names[i].en} → {names[j].en}"))


def _path(y0: float, y1: float, size: float) -> str:
    a, b = num(NODE), num(100 - NODE)
    top = f"M{a},{num(y0)} C50,{num(y0)} 50,{num(y1)} {b},{num(y1)}"
    return f"{top} L{b},{num(y1 + size)} C50,{num(y1 + size)} 50,{num(y0 + size)} {a},{num(y0 + size)} Z"


def _labels(
    plot: Plot, side: int, names: Sequence[Text], totals: Sequence[int], middles: Sequence[float]
) -> None:
    """Names and counts beside the nodes, pushed down where two would meet."""
    places = list(middles)
    for i, (above, below) in enumerate(pairwise(places)):
        places[i + 1] = max(below, places[i] + LABEL, above + LABEL)
    over = max(0.0, places[-1] - (HEIGHT - 6))
    for name, total, place in zip(names, totals, places, strict=True):
        kind, at = ("te", 'x="-8"') if side == 0 else ("ts", 'x="100%" dx="8"')
        y = num(place - over)
        plot.parts.append(
            f'<text class="{kind}" {at} y="{y}">{escape(name.zh)} {fixed(total)}</text>'
            f'<text class="{kind} en" lang="en" {at} y="{y}" dy="14">{escape(name.en)}</text>'
        )


def _words(names: Sequence[Text], counts: Counts) -> Text:
    cells = [(names[i], names[j], n) for i, row in enumerate(counts) for j, n in enumerate(row) if n]
    return Text(
        zh="；".join(f"{a.zh}→{b.zh} {n}" for a, b, n in cells),
        en="; ".join(f"{a.en} to {b.en} {n}" for a, b, n in cells),
    )
