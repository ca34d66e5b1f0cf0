"""The points card: the one representation every fitter writes and every engine reads.

A card is plain data. Points are whole multiples of 10**-digits and are added as integers, so every
engine that adds them gives exactly the same score. Bin order within a variable, which is also the
uint8 code: ranges (or category groups, then ``other``), then specials, then ``missing`` last.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text

Value = float | int | bool | str | None
Kind = Literal["range", "category", "other", "special", "missing"]
MAX_BINS = 256  # codes are uint8
MISSING = Text(zh="缺失", en="missing")
OTHER = Text(zh="其他", en="other")


class Frozen(BaseModel):
    """Checked, unchangeable data."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Scale(Frozen):
    """Points at stated odds: ``points`` at ``odds`` good:bad, ``pdo`` points double the odds."""

    points: float = 600.0
    odds: float = Field(default=50.0, gt=0)
    pdo: float = Field(default=20.0, gt=0)

    @property
    def factor(self) -> float:
        """Points per unit of log odds (good:bad)."""
        return self.pdo / math.log(2)

    @property
    def offset(self) -> float:
        """Points at odds 1:1."""
        return self.points - self.factor * math.log(self.odds)


class Bin(Frozen):
    """One bin: what falls in it, how many of the training rows, and what it is worth.

    ``woe`` = ln((good/all good)/(bad/all bad)), smoothed; higher is better. ``points`` add to the score.
    """

    kind: Kind
    label: Text
    count: int = 0
    bad: int = 0
    woe: float = 0.0
    points: float = 0.0


class Variable(Frozen):
    """One variable of a card.

    ``sign`` is the a-priori direction: +1 higher is better, -1 higher is worse, 0 not stated.
    ``edges`` are ascending; range i holds ``edges[i-1] <= x < edges[i]`` (closed on the left).
    """

    name: str
    sign: Literal[-1, 0, 1] = 0
    kind: Literal["numeric", "categorical"] = "numeric"
    edges: tuple[float, ...] = ()
    closed: Literal["left"] = "left"
    categories: tuple[tuple[str, ...], ...] = ()
    specials: tuple[tuple[float | str, ...], ...] = ()
    bins: tuple[Bin, ...]
    iv: float = 0.0
    coefficient: float = 0.0

    @model_validator(mode="after")
    def _consistent(self) -> Variable:
        ordinary = ["range"] * (len(self.edges) + 1)
        if self.kind == "categorical":
            ordinary = ["category"] * len(self.categories) + ["other"]
        wanted = [*ordinary, *["special"] * len(self.specials), "missing"]
        if [b.kind for b in self.bins] != wanted or len(wanted) > MAX_BINS:
            message = f"{self.name}: bins must be {wanted} and at most {MAX_BINS}"
            raise ValueError(message)
        if any(a >= b for a, b in pairwise(self.edges)) or not all(map(math.isfinite, self.edges)):
            message = f"{self.name}: edges must rise strictly and be finite"
            raise ValueError(message)
        texts = [isinstance(v, str) for group in self.specials for v in group]
        if any(texts) if self.kind == "numeric" else not all(texts):
            message = f"{self.name}: special values must be of the variable's kind"
            raise ValueError(message)
        return self

    @property
    def first_special(self) -> int:
        """Code of the first special bin."""
        return len(self.bins) - 1 - len(self.specials)

    @property
    def named(self) -> range:
        """Codes of the ranges, or of the named categories; of ``other`` where nothing is named."""
        if self.kind == "numeric":
            return range(self.first_special)
        return range(max(self.first_special - 1, 1))

    @property
    def missing_code(self) -> int:
        """Code of the bin of missing values."""
        return len(self.bins) - 1

    def code(self, value: Value) -> int:
        """The code of the bin ``value`` falls in.

        Raises UserError SCR-INFINITE and SCR-COLUMN-TYPE.
        """
        if value is None or value != value:  # noqa: PLR0124 - NaN differs from itself
            return self.missing_code
        if self.kind == "categorical":
            return self._category(value)
        number = self._number(value)
        for i, group in enumerate(self.specials):
            if number in group:
                return self.first_special + i
        return bisect_right(self.edges, number)

    def _number(self, value: Value) -> float:
        """``value`` as the nearest float64, which is what every engine compares."""
        if value is None or isinstance(value, str):
            fail("SCR-COLUMN-TYPE", self.name, column=self.name, found="text", wanted="number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            fail("SCR-INFINITE", self.name, column=self.name)
        return number

    def _category(self, value: Value) -> int:
        if not isinstance(value, str):
            fail("SCR-COLUMN-TYPE", self.name, column=self.name, found="number", wanted="text")
        for i, group in enumerate((*self.specials, *self.categories)):
            if value in group:
                return i - len(self.specials) if i >= len(self.specials) else self.first_special + i
        return len(self.categories)


class Pair(Frozen):
    """A two-way term: points by the codes of two variables of the card, ``points[left][right]``."""

    left: str
    right: str
    points: tuple[tuple[float, ...], ...]


class Dropped(Frozen):
    """A candidate that is not on the card, and why."""

    name: str
    reason: Text


class Provenance(Frozen):
    """Where a card comes from. Holds no clock time and no library version, so bytes are stable."""

    fitter: str = "expert"
    target: str = ""
    as_of: str | None = None
    rows: int = 0
    bads: int = 0
    dropped: tuple[Dropped, ...] = ()
    settings: dict[str, float | int | str | bool | None] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one variable gave one company: its value, its bin and the points."""

    variable: str
    value: Value
    bin: Text
    points: float


class Card(Frozen):
    """A points card: score = base points + the points of each variable's bin + two-way terms."""

    format: Literal["xinqiao.card"] = "xinqiao.card"
    version: Literal[1] = 1
    scale: Scale = Scale()
    digits: int = Field(default=0, ge=0, le=6)
    base_points: float
    variables: tuple[Variable, ...]
    pairs: tuple[Pair, ...] = ()
    provenance: Provenance = Provenance()

    @model_validator(mode="after")
    def _consistent(self) -> Card:
        sizes = {v.name: len(v.bins) for v in self.variables}
        if len(sizes) != len(self.variables):
            message = "two variables have the same name"
            raise ValueError(message)
        for pair in self.pairs:
            shape = [sizes.get(pair.right)] * (sizes.get(pair.left) or 0)
            if not shape or [len(row) for row in pair.points] != shape:
                message = f"pair {pair.left} x {pair.right} does not fit the bins of its variables"
                raise ValueError(message)
        return self

    @property
    def unit(self) -> int:
        """Units per point, 10**digits."""
        return int(10**self.digits)

    def units(self, points: float) -> int:
        """``points`` in whole units of 10**-digits."""
        return round(points * self.unit)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns the card reads."""
        return tuple(v.name for v in self.variables)

    def variable(self, name: str) -> Variable:
        """The variable ``name``; raises KeyError."""
        return next((v for v in self.variables if v.name == name), None) or _no_such(name)

    def code_one(self, row: Mapping[str, Value]) -> tuple[int, ...]:
        """Bin codes of one row. Raises UserError SCR-COLUMN-ABSENT, SCR-INFINITE, SCR-COLUMN-TYPE."""
        absent = [n for n in self.names if n not in row]
        if absent:
            fail("SCR-COLUMN-ABSENT", "row", columns=", ".join(absent))
        return tuple(v.code(row[v.name]) for v in self.variables)

    def score_one(self, row: Mapping[str, Value]) -> float:
        """Points of one row, in plain Python; equal to the vectorised score bit for bit."""
        codes = self.code_one(row)
        total = self.units(self.base_points)
        total += sum(self.units(v.bins[c].points) for v, c in zip(self.variables, codes, strict=True))
        place = dict(zip(self.names, codes, strict=True))
        total += sum(self.units(p.points[place[p.left]][place[p.right]]) for p in self.pairs)
        return total / self.unit

    def contributions(self, row: Mapping[str, Value]) -> tuple[Contribution, ...]:
        """What each variable gave ``row``, in card order; two-way terms count to their left variable."""
        codes = dict(zip(self.names, self.code_one(row), strict=True))
        extra = dict.fromkeys(self.names, 0)
        for p in self.pairs:
            extra[p.left] += self.units(p.points[codes[p.left]][codes[p.right]])
        out = []
        for v in self.variables:
            chosen = v.bins[codes[v.name]]
            points = (self.units(chosen.points) + extra[v.name]) / self.unit
            out.append(Contribution(variable=v.name, value=row[v.name], bin=chosen.label, points=points))
        return tuple(out)

    def log_odds(self, points: float) -> float:
        """Log odds bad:good the scale gives ``points``; falls as points rise."""
        return (self.scale.offset - points) / self.scale.factor

    def to_json(self) -> bytes:
        """Canonical JSON: the same card always gives the same bytes."""
        return canonical_json(self.model_dump(mode="json"))

    @classmethod
    def from_json(cls, data: bytes | str) -> Card:
        """Read a card. Raises UserError SCR-CARD-FORMAT."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise user_error("SCR-CARD-FORMAT", "card", detail=str(error.errors()[0]["msg"])) from error

    @property
    def card_id(self) -> str:
        """Digest of the canonical bytes."""
        return digest(self.to_json())


def _no_such(name: str) -> Variable:
    raise KeyError(name)
