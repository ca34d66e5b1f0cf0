"""Drawing primitives for charts that keep their text size at every width.

A plot is an ``<svg>`` of fixed height and 100 % width without ``viewBox``: x positions are written
in percent, y positions in px, and CSS padding holds the axis labels. So a phone and a wide screen
show the same letters, and no script measures anything. Curves, which SVG cannot give in percent,
live in a stretched inner ``<svg>`` whose strokes do not scale.
All numbers are rounded to 1/100, so the text is the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from xinqiao.kernel.text import Text

Points = Sequence[tuple[float, float]]


def num(value: float) -> str:
    """``value`` rounded to 1/100 without trailing zeros; never ``-0``."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten) within [low, high], about ``about`` of them."""
    if high <= low:
        return [low]
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def both(text: Text) -> str:
    """SVG text content: Chinese, then English in its own language tag."""
    zh, en = str(escape(text.zh)), str(escape(text.en))
    return zh if text.zh == text.en else f'{zh}<tspan class="en" lang="en" dx="4">{en}</tspan>'


@dataclass(slots=True)
class Plot:
    """A plot area: x in [x_low, x_high] over the full width, y in [y_low, y_high] over ``height`` px."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    height: int = 200
    pad: tuple[int, int, int, int] = (10, 12, 40, 44)
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        """Percent from the left, clipped into the plot."""
        share = (value - self.x_low) / ((self.x_high - self.x_low) or 1.0)
        return 100 * min(1.0, max(0.0, share))

    def y(self, value: float) -> float:
        """Pixels from the top, clipped into the plot."""
        share = (value - self.y_low) / ((self.y_high - self.y_low) or 1.0)
        return self.height * (1 - min(1.0, max(0.0, share)))

    def rect(
        self, across: tuple[float, float], up: tuple[float, float], kind: str, hint: Text | None = None
    ) -> None:
        """A filled rectangle: from x to x and from y to y in data units, with an optional tooltip."""
        left, right = sorted(map(self.x, across))
        top, bottom = sorted(map(self.y, up))
        size = f'width="{num(right - left)}%" height="{num(bottom - top)}"'
        inner = f"<title>{escape(str(hint))}</title>" if hint else ""
        self.parts.append(f'<rect class="{kind}" x="{num(left)}%" y="{num(top)}" {size}>{inner}</rect>')

    def line(self, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
        """A straight line between two data points."""
        (x0, y0), (x1, y1) = start, end
        self.parts.append(
            f'<line class="{kind}" x1="{num(self.x(x0))}%" y1="{num(self.y(y0))}"'
            f' x2="{num(self.x(x1))}%" y2="{num(self.y(y1))}"/>'
        )

    def curve(self, points: Points, kind: str) -> None:
        """A polyline through data points."""
        coords = " ".join(f"{num(self.x(px))},{num(self.y(py))}" for px, py in points)
        self.parts.append(
            f'<svg class="stretch" viewBox="0 0 100 {self.height}" preserveAspectRatio="none" width="100%"'
            f' height="{self.height}"><polyline class="{kind}" points="{coords}"/></svg>'
        )

    def dot(self, px: float, py: float, radius: float, kind: str, hint: Text | None = None) -> None:
        """A circle of ``radius`` px at a data point."""
        inner = f"<title>{escape(str(hint))}</title>" if hint else ""
        self.parts.append(
            f'<circle class="{kind}" cx="{num(self.x(px))}%" cy="{num(self.y(py))}" r="{num(radius)}">'
            f"{inner}</circle>"
        )

    def label(self, percent: float, top: float, content: str, kind: str) -> None:
        """Text (already escaped) at ``percent`` of the width and ``top`` px."""
        self.parts.append(f'<text class="{kind}" x="{num(percent)}%" y="{num(top)}">{content}</text>')

    def y_axis(self, marks: Iterable[tuple[float, str]]) -> None:
        """Grid lines with labels left of the plot."""
        for value, text in marks:
            at = num(self.y(value))
            self.parts.append(
                f'<line class="grid" x1="0" y1="{at}" x2="100%" y2="{at}"/>'
                f'<text class="ty" x="-6" y="{at}" dy="4">{escape(text)}</text>'
            )

    def x_axis(self, marks: Iterable[tuple[float, str]], title: Text | None = None) -> None:
        """Labels under the plot and the axis title below them."""
        for value, text in marks:
            self.label(self.x(value), self.height + 16, str(escape(text)), "tx")
        if title is not None:
            self.label(50, self.height + 33, both(title), "tt")

    def svg(self, title: Text, desc: Text) -> Markup:
        """The finished element; ``title`` and ``desc`` are what a screen reader says."""
        top, right, bottom, left = self.pad
        # classes, not a style attribute, which a strict Content-Security-Policy forbids
        room = f"pt{top} pr{right} pb{bottom} pl{left}"
        head = f"<title>{escape(str(title))}</title><desc>{escape(str(desc))}</desc>"
        body = "".join(self.parts)
        return Markup(  # noqa: S704 - every text above went through escape()
            f'<svg class="chart {room}" role="img" height="{self.height + top + bottom}">{head}{body}</svg>'
        )


def figure(title: Text, svg: Markup, legend: Sequence[tuple[str, Text]] = ()) -> Markup:
    """A chart with its bilingual title above and the key of its colours below."""
    item = Markup('<li><b class="key {}"></b>{}<span class="en" lang="en">{}</span></li>')
    keys = Markup("").join(item.format(kind, text.zh, text.en) for kind, text in legend)
    key = Markup('<ul class="legend">{}</ul>').format(keys) if legend else Markup("")
    return Markup(
        '<figure><figcaption>{} <span class="en" lang="en">{}</span></figcaption>{}{}</figure>'
    ).format(title.zh, title.en, svg, key)
