"""What would change a firm's score: things it can do itself, tried on the real model.

``catalog/actionable.yaml`` lists actions and the indicators that follow each. ``advise`` moves those
indicators in the firm's own row and scores it again with the model that scores it; nothing is estimated
from weights, so a firm that does what it reads gets the grade it read (other things equal). Sets of actions
that reach the next grade are minimal: without any one of them, or at a lower level, the grade is not reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations

from pydantic import Field, model_validator

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.scoring.card import Frozen, Value
from xinqiao.scoring.model import Model, Score

MOST = 4
"""Actions a plan may ask for; more is not advice but another firm."""
TRIED = 12
"""Actions that are combined: those that bring most on their own."""
SHOWN = 3
SLACK = 5.0
"""Points that actions together may bring beyond the sum of each alone (two-way terms)."""
WIDE = 400.0
"""No grade is wider than this many points."""

Row = dict[str, Value]


class Effect(Frozen):
    """How an indicator follows an action: to a value, or by or times an amount a level, up to ``bound``."""

    indicator: str
    to: float | None = None
    by: float | None = None
    times: float | None = Field(default=None, gt=0)
    bound: float | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Effect:
        if sum(given is not None for given in (self.to, self.by, self.times)) != 1:
            message = "exactly one of to, by, times"
            raise ValueError(message)
        return self

    def moved(self, value: float, level: int) -> float:
        """``value`` after ``level`` levels; unchanged where the firm is as good already."""
        up = indicators()[self.indicator].direction == "+"
        better = max if up else min
        if self.to is not None:
            return better(value, self.to)
        new = value + (self.by or 0) * level if self.times is None else value * self.times**level
        new = round(new, 6)  # 0.3 - 0.1 must not miss an edge at 0.2
        if self.bound is not None:
            new = min(new, self.bound) if up else max(new, self.bound)
        return better(value, new)


class Action(Frozen):
    """Something a firm can do: ``how``, and ``months`` until the indicators show it."""

    name: Text
    how: Text
    months: int = Field(ge=1, le=36)
    levels: int = Field(default=1, ge=1, le=6)
    effects: tuple[Effect, ...] = Field(min_length=1)

    def on(self, row: Mapping[str, Value], level: int) -> dict[str, float]:
        """Indicator -> new value, of those it changes; what has no value can't be promised to move."""
        out = {}
        for effect in self.effects:
            value = row.get(effect.indicator)
            if isinstance(value, int | float) and (new := effect.moved(float(value), level)) != value:
                out[effect.indicator] = new
        return out


class _File(Frozen):
    actions: dict[str, Action]


def load(text: str, origin: str) -> dict[str, Action]:
    """Parse and check actions. Raises UserError DOC-* and SCR-ACTION with the line."""
    file, lines = parse(text, _File, origin)
    for key, action in file.actions.items():
        _check(key, action, lines)
    return file.actions


def _check(key: str, action: Action, lines: Lines) -> None:
    for i, effect in enumerate(action.effects):
        where = lines.where(("actions", key, "effects", i))
        known = indicators().get(effect.indicator)
        if known is None or known.direction == "~":
            fail("SCR-ACTION", where, name=effect.indicator, detail="no such indicator, or no direction")
        up = known.direction == "+"
        ways = [effect.by is not None and (effect.by > 0) != up]
        ways.append(effect.times is not None and (effect.times > 1) != up)
        if any(ways):
            fail("SCR-ACTION", where, name=effect.indicator, detail=f"direction {known.direction}")


@cache
def actions() -> dict[str, Action]:
    """The actions of the catalog, by id."""
    file = files("xinqiao").joinpath("catalog", "actionable.yaml")
    return load(file.read_text("utf-8"), "catalog/actionable.yaml")


@dataclass(frozen=True, slots=True)
class Step:
    """An action at a level, and what it changes: indicator -> (now, then)."""

    id: str
    action: Action
    level: int
    changes: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps taken together and the score they lead to."""

    steps: tuple[Step, ...]
    score: Score

    @property
    def months(self) -> int:
        """Until the slowest step shows."""
        return max(step.action.months for step in self.steps)


@dataclass(frozen=True, slots=True)
class Advice:
    """``now``; the next better grade (None: there is none); single steps by points; plans that reach it."""

    now: Score
    next_grade: str | None
    singles: tuple[Plan, ...]
    plans: tuple[Plan, ...]


def advise(model: Model, row: Mapping[str, Value], known: Mapping[str, Action] | None = None) -> Advice:
    """What ``known`` actions (the catalog's) would do for the firm whose indicators and facts ``row`` holds.

    Raises UserError SCR-* as scoring does.
    """
    trial = _Trial(model, dict(row), actions() if known is None else known)
    singles = sorted(trial.singles(), key=lambda p: (-p.score.points, p.months, p.steps[0].id))
    target = trial.next_grade()
    found = sorted(trial.reaching(singles[:TRIED]), key=lambda p: (len(p.steps), p.months, -p.score.points))
    return Advice(trial.now, target, tuple(singles), tuple(_different(found)))


def _different(plans: list[Plan]) -> Iterator[Plan]:
    """The first of ``plans`` that do not share most of their steps."""
    kept: list[set[str]] = []
    for plan in plans:
        ids = {step.id for step in plan.steps}
        if all(len(ids & other) <= len(ids) / 2 for other in kept):
            kept.append(ids)
            yield plan
        if len(kept) == SHOWN:
            return


class _Trial:
    """One firm's row tried with changes."""

    def __init__(self, model: Model, row: Row, known: Mapping[str, Action]) -> None:
        self.model, self.row, self.known = model, row, known
        self.now = model.score_one(row)
        self.ranks = {grade.id: i for i, grade in enumerate(model.scale.grades)}

    def next_grade(self) -> str | None:
        place = self.ranks[self.now.grade]
        return self.model.scale.grades[place - 1].id if place else None

    def plan(self, levels: Mapping[str, int]) -> Plan:
        """All actions of ``levels`` together, each going on from where the one before left off."""
        row, steps = dict(self.row), []
        for key, level in levels.items():
            new = self.known[key].on(row, level)
            before = {name: row[name] for name in new}
            row |= new
            changes = {name: (float(before[name] or 0), value) for name, value in new.items()}
            steps.append(Step(key, self.known[key], level, changes))
        return Plan(tuple(steps), self.model.score_one(row))

    def singles(self) -> Iterator[Plan]:
        """Each action that brings points, at the lowest level that brings the most."""
        for key, action in self.known.items():
            tried = [self.plan({key: level}) for level in range(1, action.levels + 1)]
            tried = [p for p in tried if p.steps[0].changes and p.score.points > self.now.points]
            if tried:
                yield max(tried, key=lambda p: (p.score.points, -p.steps[0].level))

    def better(self, plan: Plan) -> bool:
        return self.ranks[plan.score.grade] < self.ranks[self.now.grade]

    def reaching(self, singles: list[Plan]) -> list[Plan]:
        """Minimal sets of ``singles`` that reach a better grade, each level as low as it can be."""
        found: list[Plan] = []
        minimal: list[frozenset[str]] = []
        wanted = self._gap() - SLACK
        for size in range(1, MOST + 1):
            for chosen in combinations(singles, size):
                if sum(p.score.points - self.now.points for p in chosen) < wanted:
                    continue
                levels = {p.steps[0].id: p.steps[0].level for p in chosen}
                if any(small <= levels.keys() for small in minimal):
                    continue
                plan = self.plan(levels)
                if self.better(plan):
                    minimal.append(frozenset(levels))
                    found.append(self._lowered(levels, plan))
            if len(found) >= SHOWN:
                break
        return found

    def _gap(self) -> float:
        """Points up to the next grade under the card that scores the firm now; 0 where there is no better."""
        part, place = self.model.part(self.row), self.ranks[self.now.grade]
        if not place:
            return 0.0
        bound = self.model.scale.grades[place - 1].pd_upper
        low, high = self.now.points, self.now.points + WIDE
        while high - low > 0.5:  # noqa: PLR2004 - half a point
            middle = (low + high) / 2
            low, high = (low, middle) if self.model.pd_of(middle, part) <= bound else (middle, high)
        return low - self.now.points

    def _lowered(self, levels: dict[str, int], plan: Plan) -> Plan:
        for key, highest in list(levels.items()):
            for level in range(highest - 1, 0, -1):
                less = self.plan(levels | {key: level})
                if not self.better(less):
                    break
                levels[key], plan = level, less
        return plan
