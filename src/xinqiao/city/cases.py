"""Generated cases for a policy: plausible companies, and rough ones on its very edges.

Half of the rows are plausible: every value lies in a piece of its domain where no rule of the
policy speaks against it, nineteen times out of twenty. The other half is rough: values exactly on the
policy's thresholds or one binary digit beside them, outside their declared range, or missing, as
null or NaN, with the reasons the policy tells apart. The same arguments give the same rows, and a
longer table begins with the shorter one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xinqiao.city.draw import Flags, Floats, Stream, stream
from xinqiao.indicator.reason import REASONS
from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import Compare, Const, Items, Name, Node, walk
from xinqiao.policy.case import Inputs, read_inputs
from xinqiao.policy.compiled import DeriveStep, Policy
from xinqiao.policy.evaluate import decide_inputs
from xinqiao.policy.format import Input, Rule, Table
from xinqiao.policy.frame import COMPANY, REASON, column_names

BLOCK = 16_384
MAX_ROWS = 100_000_000
ROUGH, EDGE, BESIDE, OUTSIDE, MISSING, ADVERSE = 0.5, 0.2, 0.05, 0.02, 0.08, 0.05
UNNAMED = 0.1
"""Share of the missing values that come without a reason."""
PD_RANGE = (0.0005, 0.6)
DIGITS = {"money": 2, "ratio": 4, "number": 2, "integer": 0, "bool": 0}
Texts = npt.NDArray[np.object_]
Rng = np.random.Generator


def generate_cases(
    policy: Policy, rows: int, seed: int, tick: Callable[[int], None] = lambda _done: None
) -> pa.Table:
    """``rows`` generated cases for ``policy`` as a table of cases (see ``policy.frame``).

    ``points``, ``pd`` and ``grade`` are always there and go together in the plausible rows.
    ``tick`` is told the rows done. Raises UserError CITY-CASES.
    """
    if not 1 <= rows <= MAX_ROWS:
        fail("CITY-CASES", "rows", value=rows, high=MAX_ROWS)
    draws = _Draws(policy)
    blocks = []
    for block, start in enumerate(range(0, rows, BLOCK)):
        blocks.append(draws.block(seed, block).slice(0, min(BLOCK, rows - start)))
        tick(min(start + BLOCK, rows))
    words = {"generated": "true", "policy": f"{policy.file.id} {policy.file.version}", "seed": str(seed)}
    return pa.concat_tables(blocks).replace_schema_metadata(words)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """How a number is drawn: ``edges`` of the policy, ``pieces`` (low, high) and their weights."""

    item: Input
    edges: Floats
    low: Floats
    high: Floats
    weights: Floats
    step: float

    def plausible(self, rng: Rng) -> Floats:
        piece = rng.choice(len(self.weights), BLOCK, p=self.weights)
        low, high = self.low[piece], self.high[piece]
        value = low + (high - low) * rng.random(BLOCK)
        if self.item.type == "money":  # sizes of firms differ by factors; half of them are round sums
            value = low * (np.maximum(high, 1.0) / np.maximum(low, 1.0)) ** rng.random(BLOCK)
            round_sum = np.maximum(np.round(value / self.step), 1.0) * self.step
            value = np.where(rng.random(BLOCK) < 0.5, round_sum, value)  # noqa: PLR2004 - half
        return np.round(value, DIGITS[self.item.type])

    def edge(self, rng: Rng) -> Floats:
        return rng.choice(self.edges, BLOCK)

    def beside(self, rng: Rng) -> Floats:
        away = np.where(rng.random(BLOCK) < 0.5, -np.inf, np.inf)  # noqa: PLR2004 - half to either side
        return np.nextafter(self.edge(rng), away)

    def outside(self, rng: Rng) -> Floats:
        low, high = self.edges[0], self.edges[-1]
        far = np.array([low - 1.0, high + 1.0, -1e19, 1e19, 0.5, -0.0])
        return rng.choice(far, BLOCK)


@dataclass(frozen=True, slots=True)
class _Words:
    """How a text, grade or date is drawn: known ``words`` with weights, and ``strange`` ones."""

    words: Texts
    weights: Floats
    strange: Texts

    def plausible(self, rng: Rng) -> Texts:
        return rng.choice(self.words, BLOCK, p=self.weights)

    def edge(self, rng: Rng) -> Texts:
        return rng.choice(self.words, BLOCK)

    beside = edge

    def outside(self, rng: Rng) -> Texts:
        return rng.choice(self.strange, BLOCK)


class _Draws:
    """The draws of one policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.columns = {column: name for name, column in column_names(policy).items()}
        self.known = _constants(policy)
        self.draws = {column: self._draw(name) for column, name in self.columns.items()}
        self.reasons = _reasons(policy)

    def block(self, seed: int, block: int) -> pa.Table:
        rng = stream(seed, Stream.CASES, block)
        rough = rng.random(BLOCK) < ROUGH
        ids = [f"G{i:09d}" for i in range(block * BLOCK + 1, (block + 1) * BLOCK + 1)]
        table: dict[str, pa.Array] = {COMPANY: pa.array(ids)}
        score = self._score(rng)
        for column, draw in self.draws.items():
            item = self.policy.file.inputs[self.columns[column]]
            values = score.pop(item.source.removeprefix("score."), None)
            values = draw.plausible(rng) if values is None else values
            self._column(table, column, item, self._roughen(rng, draw, values, rough))
        for part, values in score.items():
            table.setdefault(part, pa.array(values))
        return pa.table(table)

    def _score(self, rng: Rng) -> dict[str, Floats | Texts]:
        """Points, PD and grade that go together: the grade by equal steps of the log of the PD."""
        low, high = np.log(PD_RANGE)
        place = rng.random(BLOCK)
        pd = np.round(np.exp(low + (high - low) * place), 6)
        grades = np.array(self.policy.file.grades, dtype=object)
        points = np.round(600.0 - 50.0 * np.log2(pd / (1.0 - pd)), 0)
        return {"points": points, "pd": pd, "grade": grades[(place * len(grades)).astype(np.intp)]}

    def _roughen(
        self, rng: Rng, draw: _Numbers | _Words, values: Floats | Texts, rough: Flags
    ) -> tuple[Floats | Texts, Flags]:
        """Values on edges, beside them and outside, and which of them are missing, in the rough rows."""
        luck = np.where(rough, rng.random(BLOCK), 1.0)
        reach = np.cumsum([MISSING, EDGE, BESIDE, OUTSIDE])
        for other, low, high in zip((draw.edge, draw.beside, draw.outside), reach, reach[1:], strict=False):
            values = np.where((luck >= low) & (luck < high), other(rng), values)
        return values, luck < MISSING

    def _column(
        self, table: dict[str, pa.Array], column: str, item: Input, drawn: tuple[Floats | Texts, Flags]
    ) -> None:
        values, gone = drawn
        if values.dtype == np.float64:
            nan = gone & (np.arange(BLOCK) % 2 == 0)  # missing comes as NaN from some, as null from others
            table[column] = pa.array(np.where(nan, np.nan, values), mask=gone & ~nan)
        else:
            table[column] = pa.array(values, mask=gone, type=pa.string())
        if item.source.startswith("indicator."):
            turn = np.cumsum(gone) % len(self.reasons)  # each reason in its turn
            silent = np.cumsum(gone) % int(1 / UNNAMED) == 0
            table[column + REASON] = pa.array(self.reasons[turn], mask=~gone | silent, type=pa.string())

    def _draw(self, name: str) -> _Numbers | _Words:
        item = self.policy.file.inputs[name]
        match item.type:
            case "text" | "grade" | "date":
                words, strange = self._words(name, item)
                return _Words(words, self._weights(name, list(words)), strange)
            case "bool":
                ends = np.array([0.0, 1.0])
                return _Numbers(item, ends, ends, ends, self._weights(name, [False, True]), 1.0)
            case _:
                return self._numbers(name, item)

    def _numbers(self, name: str, item: Input) -> _Numbers:
        edges = sorted({float(c) for c in self.known.get(name, ()) if not isinstance(c, str)})
        ends = [float(bound) for bound in item.range or ()]
        low, high = self._span(item, edges)
        pieces = list(pairwise(sorted({low, high, *(e for e in edges if low < e < high)})))
        weights = self._weights(name, [(a + b) / 2 for a, b in pieces])
        lows, highs = (np.array(part) for part in zip(*pieces, strict=True))
        every = np.array(sorted({*edges, *ends, 0.0}))
        return _Numbers(item, every, lows, highs, weights, float(self.policy.file.limit.step))

    def _span(self, item: Input, edges: list[float]) -> tuple[float, float]:
        """Where plausible values lie: around the thresholds, inside the declared range."""
        limit = self.policy.file.limit
        if item.type == "money":
            low, high = float(limit.min), float(limit.max) * 30
            low, high = min([low, *(e / 2 for e in edges)]), max([high, *(e * 2 for e in edges)])
        else:
            width = max([1.0, *(abs(e) for e in edges)]) * (1.0 if item.type == "ratio" else 8.0)
            low, high = min([0.0, *(e - width for e in edges if e < 0)]), max([0.0, *edges]) + width
        if item.range is not None:
            low, high = max(low, float(item.range[0])), min(high, float(item.range[1]))
        return (low, high) if low < high else (low, low + 1.0)

    def _words(self, name: str, item: Input) -> tuple[Texts, Texts]:
        known = sorted({c for c in self.known.get(name, ()) if isinstance(c, str)})
        if item.type == "grade":
            return _texts(self.policy.file.grades), _texts(["", "无此评级"])
        if item.type == "text":
            return _texts(item.values or [*known, "其他"]), _texts(["", "未列出 unlisted"])
        days = [date.fromisoformat(text) for text in known] or [date(2020, 1, 1)]
        near = {day + timedelta(days=shift) for day in days for shift in (-400, -1, 0, 1, 400)}
        return _texts([day.isoformat() for day in sorted(near)]), _texts(["1900-01-01", "2999-12-31"])

    def _weights(self, name: str, values: Sequence[float | str]) -> Floats:
        """Nearly all of the weight to values that no rule speaks against, as far as there are both."""
        adverse = np.array([self._adverse(name, value) for value in values])
        if adverse.all() or not adverse.any():
            return np.full(len(values), 1.0 / len(values))
        weights: Floats = np.where(adverse, ADVERSE / adverse.sum(), (1.0 - ADVERSE) / (~adverse).sum())
        return weights

    def _adverse(self, name: str, value: float | str) -> bool:
        """Whether a rule is true of a case of which only this one value is known."""
        plain = round(value) if self.policy.file.inputs[name].type == "integer" else value  # type: ignore[arg-type] # an integer's values are numbers
        inputs: Inputs = read_inputs(self.policy, {name: plain}, {})
        steps = decide_inputs(self.policy, inputs).trace
        return any(step.kind == "rule" and step.result is True for step in steps)


def _texts(words: list[str]) -> Texts:
    return np.array(words, dtype=object)


def _trees(policy: Policy) -> Iterator[Node]:
    for step in policy.steps:
        if isinstance(step, DeriveStep):
            yield step.tree
        else:
            yield from (condition for condition, _ in step.rows)
    yield from (rule.tree for rule in policy.rules)
    yield from (policy.limit, policy.price)


def _constants(policy: Policy) -> dict[str, set[float | str]]:
    """Name -> the written values it is compared with."""
    found: dict[str, set[float | str]] = {}
    for node in (n for tree in _trees(policy) for n in walk(tree) if isinstance(n, Compare)):
        sides = (node.left, *(node.right.items if isinstance(node.right, Items) else (node.right,)))
        for name in (side.id for side in sides if isinstance(side, Name)):
            found.setdefault(name, set()).update(side.value for side in sides if isinstance(side, Const))
    return found


def _reasons(policy: Policy) -> Texts:
    """The reasons that the policy tells apart first, then all an indicator can give, and a strange one."""
    file = policy.file
    parts: list[Input | Table | Rule] = [*file.inputs.values(), *file.tables, *file.rules]
    told = (reason for part in parts for reason in part.if_missing if reason != "else")
    return _texts(list(dict.fromkeys([*told, *REASONS, "OTHER"])))
