"""Reasons: why a company's score is not higher, or not lower, in words its owner understands.

A reason compares the points a variable gave the company with the points of a reference: the peer
median (usual), the best bin of the card, or neutral (0 points, average risk).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from xinqiao.indicator.unit import Unit
from xinqiao.kernel.quantity import quantity
from xinqiao.kernel.text import Text
from xinqiao.scoring.card import Card, Frozen, Value, Variable

Reference = Literal["peer", "best", "neutral"]


class Described(Protocol):
    """What a reason needs to know of an indicator; ``indicator.definition.Indicator`` has it."""

    @property
    def name(self) -> Text:
        """Its name."""

    @property
    def unit(self) -> Unit:
        """Its unit."""


class Reason(Frozen):
    """One reason. ``points`` < 0 were lost, > 0 gained, against ``reference``."""

    indicator: str
    direction: Literal["lost", "gained"]
    points: float
    reference: Reference
    value: Value
    peer_median: Value
    missing: bool
    sentence: Text


def reasons(
    card: Card,
    row: Mapping[str, Value],
    described: Mapping[str, Described],
    peers: Mapping[str, Value],
    *,
    reference: Reference = "peer",
    limit: int = 4,
    direction: Literal["lost", "gained"] = "lost",
) -> tuple[Reason, ...]:
    """The ``limit`` variables that cost (or brought) ``row`` the most points, greatest first.

    ``peers`` holds the peer median (texts: the commonest value) by variable, None where unknown.
    A variable absent from ``described`` goes by its id. Ties are ordered by id.
    """
    found = []
    for given in card.contributions(row):
        median = peers.get(given.variable)
        target = _reference_points(card.variable(given.variable), median, reference)
        points = round(given.points - target, card.digits)
        if points < 0 if direction == "lost" else points > 0:
            found.append((-abs(points), given.variable, points, given.value, median))
    found.sort(key=lambda item: item[:2])
    return tuple(
        _reason(
            variable,
            points,
            value=value,
            median=median,
            described=described,
            reference=reference,
            direction=direction,
        )
        for _, variable, points, value, median in found[:limit]
    )


def _reference_points(variable: Variable, median: Value, reference: Reference) -> float:
    if reference == "best":
        return max(b.points for b in variable.bins if b.kind in {"range", "category"})
    if reference == "neutral" or median is None:
        return 0.0
    return variable.bins[variable.code(median)].points


def _reason(
    variable: str,
    points: float,
    *,
    value: Value,
    median: Value,
    described: Mapping[str, Described],
    reference: Reference,
    direction: Literal["lost", "gained"],
) -> Reason:
    known = described.get(variable)
    name, unit = (known.name, known.unit.id) if known else (Text(zh=variable, en=variable), "")
    missing = value is None or value != value  # noqa: PLR0124 - NaN differs from itself
    first = _missing_words(name) if missing else _value_words(name, value, median, unit)
    return Reason(
        indicator=variable,
        direction=direction,
        points=points,
        reference=reference,
        value=None if missing else value,
        peer_median=median,
        missing=missing,
        sentence=_join(first, _points_words(points, reference, known_median=median is not None)),
    )


def _missing_words(name: Text) -> Text:
    return Text(
        zh=f"{name.zh}没有数值，按“无数值”一档计分",
        en=f"{name.en} has no value and earns the points of that bin",
    )


def _value_words(name: Text, value: Value, median: Value, unit: str) -> Text:
    shown = quantity(value, unit)
    plain = Text(zh=f"{name.zh}为{shown.zh}", en=f"{name.en} is {shown.en}")
    if median is None:
        return plain
    middle = quantity(median, unit)
    if isinstance(value, str) or isinstance(median, str):
        also = Text(zh=f"（同类企业最常见为{middle.zh}）", en=f" (most common among peers: {middle.en})")
    elif shown == middle:
        also = Text(zh=f"，与同类企业中位数{middle.zh}相当", en=f", about the peer median of {middle.en}")
    elif (value or 0) < median:
        also = Text(zh=f"，低于同类企业中位数{middle.zh}", en=f", below the peer median of {middle.en}")
    else:
        also = Text(zh=f"，高于同类企业中位数{middle.zh}", en=f", above the peer median of {middle.en}")
    return Text(zh=plain.zh + also.zh, en=plain.en + also.en)


def _points_words(points: float, reference: Reference, *, known_median: bool) -> Text:
    shown = f"{abs(points):g}"
    unit = "point" if shown == "1" else "points"
    less, fewer = ("少", "less") if points < 0 else ("多", "more")
    if reference == "best":
        return Text(zh=f"比最好一档{less}{shown}分", en=f"{shown} {unit} {fewer} than the best bin")
    if reference == "neutral" or not known_median:
        return Text(zh=f"比平均水平{less}{shown}分", en=f"{shown} {unit} {fewer} than average risk")
    return Text(zh=f"比同类企业中位水平{less}{shown}分", en=f"{shown} {unit} {fewer} than the peer median")


def _join(first: Text, second: Text) -> Text:
    return Text(zh=f"{first.zh}，{second.zh}", en=f"{first.en}: {second.en}")
