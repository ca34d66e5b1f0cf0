"""The master scale: a PD becomes a grade."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from importlib.resources import files
from itertools import pairwise

from pydantic import Field

from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.scoring.card import Frozen


class Grade(Frozen):
    """A grade; holds PDs above the bound of the grade before it, up to and with its own."""

    id: str
    pd_upper: float = Field(gt=0, le=1)
    name: Text
    text: Text


class DefaultGrade(Frozen):
    """The grade of a company that is in default."""

    id: str
    name: Text
    text: Text


class MasterScale(Frozen):
    """Grades from best to worst, the grade of default, and the bounds kept for every PD."""

    id: str
    name: Text
    pd_floor: float = Field(ge=0, lt=1)
    pd_cap: float = Field(gt=0, le=1)
    grades: tuple[Grade, ...] = Field(min_length=1)
    default: DefaultGrade

    def bounded(self, pd: float) -> float:
        """``pd`` kept between the scale's floor and cap."""
        return min(max(pd, self.pd_floor), self.pd_cap)

    def grade(self, pd: float, *, defaulted: bool = False) -> str:
        """Id of the grade of ``pd`` (0..1), or the default grade. Raises UserError SCR-SETTING."""
        if defaulted:
            return self.default.id
        if not 0 <= pd <= 1:
            fail("SCR-SETTING", "pd", name="pd", value=pd, wanted="0 <= pd <= 1")
        return self.grades[bisect_left([g.pd_upper for g in self.grades], pd)].id

    def describe(self, grade: str) -> Grade | DefaultGrade:
        """The grade with id ``grade``. Raises UserError SCR-SETTING."""
        every: tuple[Grade | DefaultGrade, ...] = (*self.grades, self.default)
        for known in every:
            if known.id == grade:
                return known
        known_ids = ", ".join(g.id for g in every)
        return fail("SCR-SETTING", "grade", name="grade", value=grade, wanted=known_ids)


def load_scale(text: str, origin: str) -> MasterScale:
    """Read a master scale. Raises UserError DOC-* or SCR-SCALE with the line."""
    scale, lines = parse(text, MasterScale, origin)
    bounds = [g.pd_upper for g in scale.grades]
    for i, (a, b) in enumerate(pairwise(bounds)):
        if b <= a:
            fail("SCR-SCALE", lines.where(("grades", i + 1)), detail=f"{b} <= {a}")
    if bounds[-1] != 1:
        fail("SCR-SCALE", lines.where(("grades", len(bounds) - 1)), detail=f"{bounds[-1]} != 1")
    ids = [*(g.id for g in scale.grades), scale.default.id]
    if len(set(ids)) != len(ids):
        fail("SCR-SCALE", lines.where(("grades",)), detail="id x2")
    return scale


@cache
def master_scale(scale_id: str = "master") -> MasterScale:
    """The scale ``scale_id`` of the catalog. Raises UserError SCR-SETTING when there is none."""
    file = files("xinqiao").joinpath("catalog", "scales", f"{scale_id}.yaml")
    if not scale_id.isidentifier() or not file.is_file():
        fail("SCR-SETTING", "scale", name="scale", value=scale_id, wanted="catalog/scales/<id>.yaml")
    return load_scale(file.read_text("utf-8"), f"{scale_id}.yaml")
