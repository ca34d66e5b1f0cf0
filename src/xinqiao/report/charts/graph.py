"""A small graph drawn as SVG: nodes on a circle, arrows between them, no script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import num

SIZE, NODE = 260, 6
MOST_NODES = 16


@dataclass(frozen=True, slots=True)
class Arc:
    """An arrow from ``source`` to ``target`` with the words of its tooltip."""

    source: str
    target: str
    hint: str


def small_graph(arcs: Sequence[Arc], centre: str, title: Text) -> Markup:
    """The first MOST_NODES nodes of ``arcs``, ``centre`` marked; arcs to nodes left out are not drawn."""
    shown = _along(arcs, centre)[:MOST_NODES]
    at = {name: _place(i, len(shown)) for i, name in enumerate(shown)}
    lines = [_arrow(at, arc) for arc in arcs if arc.source in at and arc.target in at]
    dots = [_node(name, at[name], "c2" if name == centre else "c1") for name in shown]
    head = f"<title>{escape(str(title))}</title>"
    # the arrow's head is drawn as a small triangle by hand: markers need ids, which clash on one page
    return Markup(  # noqa: S704 - every text above went through escape()
        f'<svg class="graph" role="img" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}">'
        f"{head}{''.join(lines)}{''.join(dots)}</svg>"
    )


def _along(arcs: Sequence[Arc], centre: str) -> list[str]:
    """All nodes, each followed by those its arrows lead to, so that a circle is drawn as one."""
    found, waiting = [centre], [centre]
    while waiting:
        at = waiting.pop()
        for arc in arcs:
            for name in (arc.target,) if arc.source == at else (arc.source,) if arc.target == at else ():
                if name not in found:
                    found.append(name)
                    waiting.append(name)
    return [*found, *dict.fromkeys(n for arc in arcs for n in (arc.source, arc.target) if n not in found)]


def _place(i: int, count: int) -> tuple[float, float]:
    angle = 2 * math.pi * i / max(count, 1) - math.pi / 2
    radius = SIZE * 0.33 if count > 1 else 0.0
    return SIZE / 2 + radius * math.cos(angle), SIZE / 2 + radius * math.sin(angle)


def _arrow(at: dict[str, tuple[float, float]], arc: Arc) -> str:
    (x0, y0), (x1, y1) = at[arc.source], at[arc.target]
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    # to the right of the straight line, so that two ways between two nodes stand apart
    x0, y0, x1, y1 = x0 - 3 * uy, y0 + 3 * ux, x1 - 3 * uy, y1 + 3 * ux
    tip = (x1 - (NODE + 2) * ux, y1 - (NODE + 2) * uy)
    left = (tip[0] - 8 * ux - 4 * uy, tip[1] - 8 * uy + 4 * ux)
    right = (tip[0] - 8 * ux + 4 * uy, tip[1] - 8 * uy - 4 * ux)
    head = " ".join(f"{num(x)},{num(y)}" for x, y in (tip, left, right))
    return (
        f'<g><title>{escape(arc.hint)}</title><line class="arc" x1="{num(x0)}" y1="{num(y0)}" '
        f'x2="{num(tip[0])}" y2="{num(tip[1])}"/><polygon class="tip" points="{head}"/></g>'
    )


def _node(name: str, at: tuple[float, float], kind: str) -> str:
    x, y = at
    label = name if len(name) <= 12 else f"{name[:10]}…"  # noqa: PLR2004 - what fits beside a node
    anchor = "start" if x > SIZE / 2 + 1 else "end" if x < SIZE / 2 - 1 else "middle"
    dx = {"start": 11, "end": -11, "middle": 0}[anchor]
    dy = 4 if anchor != "middle" else (-12 if y < SIZE / 2 else 20)
    dot = f'<circle class="{kind}" cx="{num(x)}" cy="{num(y)}" r="{NODE}">'
    return (
        f"{dot}<title>{escape(name)}</title></circle>"
        f'<text x="{num(x + dx)}" y="{num(y + dy)}" text-anchor="{anchor}">{escape(label)}</text>'
    )
