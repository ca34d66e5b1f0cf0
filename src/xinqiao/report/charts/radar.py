"""A radar of scores 0..100: one ray each, 50 is the middle of the peers; unknown rays stay open."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from xinqiao.kernel.quantity import fixed
from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import num

WIDTH, HEIGHT, RADIUS = 360, 270, 92
RINGS = (25, 50, 75, 100)


def radar(title: Text, rays: Sequence[tuple[Text, float | None]]) -> Markup:
    """The drawing; ``rays`` are names with their scores, None where not known."""
    count = len(rays)
    rings = "".join(_polygon([r] * count, "none") for r in RINGS[:1] + RINGS[2:]) + _polygon(
        [50] * count, "half"
    )
    spokes = "".join(_spoke(i, count) for i in range(count))
    known = [0.0 if score is None else score for _, score in rays]
    shape = _polygon(known, "area")
    dots = "".join(_dot(i, count, score) for i, (_, score) in enumerate(rays) if score is not None)
    labels = "".join(_label(i, count, name, score) for i, (name, score) in enumerate(rays))
    return Markup(  # noqa: S704 - every text went through escape()
        f'<svg class="radar" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" height="{HEIGHT}">'
        f"<title>{escape(str(title))}</title>{rings}{spokes}{shape}{dots}{labels}</svg>"
    )


def _at(i: int, count: int, score: float) -> tuple[float, float]:
    angle = 2 * math.pi * i / count - math.pi / 2
    reach = RADIUS * score / 100
    return WIDTH / 2 + reach * math.cos(angle), HEIGHT / 2 + 4 + reach * math.sin(angle)


def _polygon(scores: Sequence[float], kind: str) -> str:
    points = " ".join(f"{num(x)},{num(y)}" for x, y in (_at(i, len(scores), s) for i, s in enumerate(scores)))
    return f'<polygon class="r-{kind}" points="{points}"/>'


def _spoke(i: int, count: int) -> str:
    (x0, y0), (x1, y1) = _at(i, count, 0), _at(i, count, 100)
    return f'<line class="r-none" x1="{num(x0)}" y1="{num(y0)}" x2="{num(x1)}" y2="{num(y1)}"/>'


def _dot(i: int, count: int, score: float) -> str:
    x, y = _at(i, count, score)
    return f'<circle class="c1" cx="{num(x)}" cy="{num(y)}" r="3.5"/>'


def _label(i: int, count: int, name: Text, score: float | None) -> str:
    x, y = _at(i, count, 116)
    anchor = "middle" if abs(x - WIDTH / 2) < 1 else "start" if x > WIDTH / 2 else "end"
    said = "缺失" if score is None else fixed(score)
    return (
        f'<text x="{num(x)}" y="{num(y)}" text-anchor="{anchor}">{escape(name.zh)} '
        f'<tspan class="v">{said}</tspan></text><text class="en" lang="en" x="{num(x)}" y="{num(y + 12)}" '
        f'text-anchor="{anchor}">{escape(name.en)}</text>'
    )
