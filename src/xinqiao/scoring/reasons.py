"""Reasons: why a company's score is not higher, or not lower, in words its owner understands.

A reason compares the points a variable gave the company with the points of a reference: the peer
median (usual), the best bin of the card, or neutral (0 points, average risk).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, Protocol

from xinqiao.indicator.unit import Unit
from xinqiao.kernel.quantity import quantity
from xinqiao.kernel.text import Text
from xinqiao.scoring.card import Card, Frozen, Value
from xinqiao.scoring.compiled import Reference, compile_card


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
    ready = compile_card(card)
    given = ready.units_one(ready.code_one(row))
    way = 1 if direction == "lost" else -1
    gaps = zip(given, ready.targets(reference, peers), ready.names, strict=True)
    found = sorted([(way * (g - t), name) for g, t, name in gaps if way * (g - t) < 0])
    return tuple(
        _reason(
            variable,
            way * units / card.unit,
            value=row[variable],
            median=peers.get(variable),
            described=described,
            reference=reference,
            direction=direction,
        )
        for units, variable in found[:limit]
    )


Words = tuple[str, str]
"""Chinese and English; a ``Text`` is made once, of the whole sentence."""


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
    name, unit = ((known.name.zh, known.name.en), known.unit.id) if known else ((variable, variable), "")
    missing = value is None or value != value  # noqa: PLR0124 - NaN differs from itself
    first = _missing_words(name) if missing else _value_words(name, value, median, unit)
    second = _points_words(points, reference, known_median=median is not None)
    return Reason(
        indicator=variable,
        direction=direction,
        points=points,
        reference=reference,
        value=None if missing else value,
        peer_median=median,
        missing=missing,
        sentence=Text(zh=f"{first[0]}，{second[0]}", en=f"{first[1]}: {second[1]}"),
    )


def _missing_words(name: Words) -> Words:
    return (
        f"{name[0]}没有数值，按“无数值”一档计分",
        f"{name[1]} has no value and earns the points of that bin",
    )


def _value_words(name: Words, value: Value, median: Value, unit: str) -> Words:
    shown = quantity(value, unit)
    zh, en = f"{name[0]}为{shown.zh}", f"{name[1]} is {shown.en}"
    if median is None:
        return zh, en
    middle = _median_words(median, unit)
    if isinstance(value, str) or isinstance(median, str):
        return f"{zh}（同类企业最常见为{middle.zh}）", f"{en} (most common among peers: {middle.en})"
    if shown.zh == middle.zh:
        return f"{zh}，与同类企业中位数{middle.zh}相当", f"{en}, about the peer median of {middle.en}"
    side, word = ("低于", "below") if (value or 0) < median else ("高于", "above")
    return f"{zh}，{side}同类企业中位数{middle.zh}", f"{en}, {word} the peer median of {middle.en}"


@lru_cache(maxsize=4096)
def _median_words(median: Value, unit: str) -> Text:
    """A peer median is told to everyone, a company's own value once."""
    return quantity(median, unit)


def _points_words(points: float, reference: Reference, *, known_median: bool) -> Words:
    shown = f"{abs(points):g}"
    unit = "point" if shown == "1" else "points"
    less, fewer = ("少", "less") if points < 0 else ("多", "more")
    if reference == "best":
        return f"比最好一档{less}{shown}分", f"{shown} {unit} {fewer} than the best bin"
    if reference == "neutral" or not known_median:
        return f"比平均水平{less}{shown}分", f"{shown} {unit} {fewer} than average risk"
    return f"比同类企业中位水平{less}{shown}分", f"{shown} {unit} {fewer} than the peer median"
