"""The ties around a firm to look around in, without a script: one drawing a node, a click shows another.

Every drawing is on the page already, so looking around reads nothing anew; CSS shows the one that the
address's fragment names, else that of the firm itself.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from xinqiao.kernel.quantity import money, percent
from xinqiao.kernel.text import Text
from xinqiao.portrait.credit_file import Edge
from xinqiao.report.charts.svg import num

WIDTH, HEIGHT = 760, 460
ACROSS, UP = 236.0, 158.0
MOST_NODES, MOST_AROUND, LETTERS = 40, 18, 9
KINDS: dict[str, tuple[str, Text]] = {
    "holding": ("k-own", Text(zh="持股", en="holds shares")),
    "guarantee": ("k-gua", Text(zh="担保", en="guarantees")),
    "invoice": ("k-inv", Text(zh="开票", en="invoices")),
    "legal_representative": ("k-man", Text(zh="法定代表人", en="legal representative")),
    "controller": ("k-man", Text(zh="实际控制人", en="controller")),
    "director": ("k-man", Text(zh="董事", en="director")),
    "supervisor": ("k-man", Text(zh="监事", en="supervisor")),
    "manager": ("k-man", Text(zh="高管", en="manager")),
    "shareholder": ("k-own", Text(zh="股东", en="shareholder")),
    "phone": ("k-key", Text(zh="同一电话", en="same phone")),
    "address": ("k-key", Text(zh="同一地址", en="same address")),
}
OTHER = ("k-key", Text(zh="其他关联", en="other tie"))
GROUPS = (
    ("k-own", Text(zh="持股", en="shares")),
    ("k-gua", Text(zh="担保", en="guarantees")),
    ("k-inv", Text(zh="开票交易", en="invoices")),
    ("k-man", Text(zh="任职、控制", en="offices, control")),
    ("k-key", Text(zh="其他", en="other")),
)


@dataclass(frozen=True, slots=True)
class Tie:
    """A tie in words. ``there``: the fragment of the other end's drawing, None where it has none."""

    kind: Text
    colour: str
    other: str
    other_id: str
    firm: bool
    there: str | None
    out: bool
    amount: Text | None
    share: str | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Around:
    """One node with its drawing and its ties. ``firm``: it is a firm whose portrait may be asked for."""

    key: str
    id: str
    name: str
    firm: bool
    drawing: Markup
    ties: tuple[Tie, ...]
    hidden: int


def looks(edges: Sequence[Edge], names: Mapping[str, str], centre: str) -> list[Around]:
    """The drawings, that of ``centre`` last (CSS shows it where no other is asked for)."""
    around: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        around[edge.source].append(edge)
        around[edge.target].append(edge)
    order = [centre, *(other for edge in around[centre] for other in (edge.source, edge.target))]
    order += sorted(around, key=lambda n: -len(around[n]))
    shown = [n for n in dict.fromkeys(order) if n == centre or len(around[n]) > 1][:MOST_NODES]
    keys = {node: f"g{i}" for i, node in enumerate(shown)}
    return [_around(node, around[node], names, keys, centre) for node in [*shown[1:], shown[0]]]


def _around(
    node: str, edges: Sequence[Edge], names: Mapping[str, str], keys: Mapping[str, str], centre: str
) -> Around:
    ties = tuple(_tie(node, edge, names, keys) for edge in edges[:MOST_AROUND])
    name = named(node, names)
    drawing = _drawn(name, ties, home=node == centre)
    return Around(keys[node], node, name, _is_firm(node, names), drawing, ties, len(edges) - len(ties))


def _tie(node: str, edge: Edge, names: Mapping[str, str], keys: Mapping[str, str]) -> Tie:
    other = edge.target if edge.source == node else edge.source
    colour, kind = KINDS.get(edge.kind, OTHER)
    amount = money(edge.cents / 100) if edge.cents is not None else None
    share = percent(edge.share) if edge.share is not None else None
    firm = _is_firm(other, names)
    return Tie(
        kind, colour, named(other, names), other, firm, keys.get(other), edge.source == node, amount, share,
        edge.count,
    )  # fmt: skip


def named(node: str, names: Mapping[str, str]) -> str:
    """A firm by its name; a person, known by a hash only, by the first letters of it."""
    return names.get(node) or (node if len(node) <= 18 else f"自然人 {node[:4]}…")  # noqa: PLR2004 - a unified code


def _is_firm(node: str, names: Mapping[str, str]) -> bool:
    return node in names or len(node) <= 18  # noqa: PLR2004 - a unified code


def _drawn(name: str, ties: Sequence[Tie], *, home: bool) -> Markup:
    """The node in the middle, the others around it; who has a drawing of its own is a link."""
    others = list(dict.fromkeys((tie.other_id, tie.other, tie.there, tie.firm) for tie in ties))
    at = {other[0]: _place(i, len(others)) for i, other in enumerate(others)}
    lines = "".join(_line(at[tie.other_id], tie) for tie in ties)
    dots = "".join(_node(label, at[key], there, firm=firm) for key, label, there, firm in others)
    x, y = WIDTH / 2, HEIGHT / 2
    middle = (
        f'<circle class="n-mid{" n-home" if home else ""}" cx="{num(x)}" cy="{num(y)}" r="13"/>'
        f'<text class="n-name" x="{num(x)}" y="{num(y + 31)}" text-anchor="middle">'
        f"{escape(_short(name, 16))}</text>"
    )
    return Markup(  # noqa: S704 - every text went through escape()
        f'<svg class="ties" role="group" aria-label="{escape(name)}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}">{lines}{middle}{dots}</svg>'
    )


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _place(i: int, count: int) -> tuple[float, float]:
    angle = 2 * math.pi * (i + 0.5) / max(count, 1) - math.pi / 2
    return WIDTH / 2 + ACROSS * math.cos(angle), HEIGHT / 2 + UP * math.sin(angle)


def _line(at: tuple[float, float], tie: Tie) -> str:
    (x0, y0), (x1, y1) = (WIDTH / 2, HEIGHT / 2), at
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    start, end = (x0 + 15 * ux, y0 + 15 * uy), (x1 - 11 * ux, y1 - 11 * uy)
    tip, sign = (end, 1) if tie.out else (start, -1)
    left = (tip[0] - sign * 9 * ux - 4.5 * uy, tip[1] - sign * 9 * uy + 4.5 * ux)
    right = (tip[0] - sign * 9 * ux + 4.5 * uy, tip[1] - sign * 9 * uy - 4.5 * ux)
    head = " ".join(f"{num(x)},{num(y)}" for x, y in (tip, left, right))
    said = " ".join(filter(None, [tie.kind.zh, tie.share, tie.amount.zh if tie.amount else None]))
    return (
        f'<g class="{tie.colour}"><title>{escape(said)}</title>'
        f'<line x1="{num(start[0])}" y1="{num(start[1])}" '
        f'x2="{num(end[0])}" y2="{num(end[1])}"/><polygon points="{head}"/></g>'
    )


def _node(label: str, at: tuple[float, float], there: str | None, *, firm: bool) -> str:
    x, y = at
    side = x - WIDTH / 2
    anchor = "middle" if abs(side) < 60 else "start" if side > 0 else "end"  # noqa: PLR2004 - nearly above or below
    dx = {"start": 14, "end": -14, "middle": 0}[anchor]
    dy = 4 if anchor != "middle" else (-14 if y < HEIGHT / 2 else 24)
    mark = (
        f'<circle class="n-firm" cx="{num(x)}" cy="{num(y)}" r="8"/>'
        if firm
        else f'<rect class="n-man" x="{num(x - 7)}" y="{num(y - 7)}" width="14" height="14" rx="3"/>'
    )
    text = (
        f'<text x="{num(x + dx)}" y="{num(y + dy)}" text-anchor="{anchor}">'
        f"{escape(_short(label, LETTERS))}</text>"
    )
    body = f"<g><title>{escape(label)}</title>{mark}{text}</g>"
    return f'<a href="#{there}">{body}</a>' if there else body
