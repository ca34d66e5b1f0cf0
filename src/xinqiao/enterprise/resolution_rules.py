"""The points and thresholds of resolution, from ``catalog/codes/resolution.yaml``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from xinqiao.kernel.document import parse
from xinqiao.kernel.text import Text

FieldId = Literal["code", "name", "place", "branch", "form", "address", "phone", "representative"]

LEVELS: dict[FieldId, tuple[str, ...]] = {
    "code": ("same", "organisation", "near", "invalid", "different"),
    "name": ("same", "former", "core", "abbreviated", "near", "trade", "alike", "different"),
    "place": ("same", "different"),
    "branch": ("different",),
    "form": ("different",),
    "address": ("room", "spot", "road", "different"),
    "phone": ("same", "different"),
    "representative": ("same", "different"),
}
"""What ``comparison`` tells apart, in this order; the file says what each is worth."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(_Document):
    """What a comparison can come to.

    Either fixed ``points``, or points by rarity: bits of the value less ``less``, between 0 and ``most``.
    ``contradicts``: with it a pair is never taken for one firm without a person; ``needs_code``: nor with
    this, unless the codes agree.
    """

    text: Text
    points: float | None = None
    most: float | None = None
    less: float = 0
    contradicts: bool = False
    needs_code: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Level:
        if (self.points is None) == (self.most is None):
            message = "a level has either points or most"
            raise ValueError(message)
        return self


class Compared(_Document):
    """A field and its levels, the best first."""

    name: Text
    levels: dict[str, Level]


class Outcomes(_Document):
    """Scores from which a pair is one firm (``same``, with ``margin`` to the next best) or for ``review``."""

    same: float
    margin: float
    review: float


class ResolutionRules(_Document):
    """The whole file; ``population``: rarity is judged among no fewer firms."""

    population: int
    outcomes: Outcomes
    fields: dict[FieldId, Compared]

    @model_validator(mode="after")
    def _all_levels(self) -> ResolutionRules:
        told = {field: tuple(compared.levels) for field, compared in self.fields.items()}
        if told != LEVELS:
            message = f"the fields and levels are, in this order: {LEVELS}"
            raise ValueError(message)
        return self


@cache
def resolution_rules() -> ResolutionRules:
    """The rules in force."""
    file = files("xinqiao").joinpath("catalog", "codes", "resolution.yaml")
    return parse(file.read_text("utf-8"), ResolutionRules, file.name)[0]
