"""Two policies on the same companies: who would be decided otherwise, why, and what it costs.

Expected loss is the sum over approved companies of PD x loss given default x limit (CNY); its share
is that sum over the amount approved. A company without a PD is counted, not taken as free of risk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.policy.batch import OUTCOMES, decide_batch
from xinqiao.policy.compiled import Policy
from xinqiao.policy.edits import Edit, edits
from xinqiao.policy.frame import COMPANY, Frame, read_frame

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]

APPROVE = 0
EXAMPLES = 5
MANY_MISSING = 3


@dataclass(frozen=True, slots=True)
class Decided:
    """A policy's decisions on companies, as arrays over them.

    ``outcome`` indexes OUTCOMES; ``limit`` (CNY) and ``rate`` (a year) are NaN unless approved;
    ``reason`` indexes ``words``, the reason codes in the order of the decision.
    """

    outcome: Codes
    limit: Floats
    rate: Floats
    reason: Codes
    words: tuple[tuple[str, ...], ...]


def decide_frame(policy: Policy, frame: Frame) -> Decided:
    """What ``policy`` decides on every case of ``frame``."""
    batch = decide_batch(policy, frame.columns, frame.missing)
    codes = batch.reason_codes()
    return Decided(
        outcome=batch.outcome.astype(np.intp),
        limit=batch.limit_cny,
        rate=batch.rate,
        reason=codes.indices.to_numpy().astype(np.intp),
        words=tuple(tuple(text.split()) for text in codes.dictionary.to_pylist()),
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """What a policy grants to a set of companies.

    Amounts in CNY; ``mean_rate`` is weighted by limit. ``expected_loss_cny`` leaves out the approved
    companies ``without_pd``; None: no approved company has a PD.
    """

    companies: int
    approved: int
    referred: int
    rejected: int
    amount_cny: float
    mean_rate: float | None
    expected_loss_cny: float | None
    without_pd: int

    @property
    def approval_rate(self) -> float:
        """Share of the companies that is approved; 0 of no companies."""
        return self.approved / self.companies if self.companies else 0.0

    @property
    def expected_loss_share(self) -> float | None:
        """Expected loss over the amount approved; None when either is unknown."""
        loss = self.expected_loss_cny
        return None if loss is None or not self.amount_cny else loss / self.amount_cny


def figures(decided: Decided, pd: Floats, lgd: float, mine: Flags | None = None) -> Figures:
    """The figures of the companies ``mine`` (all unless given) at loss given default ``lgd`` (0 to 1)."""
    outcome = decided.outcome if mine is None else decided.outcome[mine]
    count = np.bincount(outcome, minlength=len(OUTCOMES))
    lent = decided.outcome == APPROVE
    lent = lent if mine is None else lent & mine
    limit, known = decided.limit[lent], ~np.isnan(pd[lent])
    amount = float(limit.sum())
    loss = float((limit[known] * pd[lent][known]).sum() * lgd)
    return Figures(
        companies=len(outcome),
        approved=int(count[0]),
        referred=int(count[1]),
        rejected=int(count[2]),
        amount_cny=amount,
        mean_rate=round(float((limit * decided.rate[lent]).sum() / amount), 9) if amount else None,
        expected_loss_cny=round(loss, 2) if known.any() or not len(limit) else None,
        without_pd=int((~known).sum()),
    )


@dataclass(frozen=True, slots=True)
class Cause:
    """Companies that moved from one outcome to another with the same reasons lost and gained."""

    before: str
    after: str
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    companies: int
    amount_change_cny: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Companies of one kind under both policies; ``moved`` changed their outcome."""

    name: str
    before: Figures
    after: Figures
    moved: int


@dataclass(frozen=True, slots=True)
class Shift:
    """Companies approved by both whose limit (relative) or annual rate changed by low to high."""

    low: float
    high: float
    companies: int


LIMIT_STEPS = (-np.inf, -0.5, -0.2, 0.0, 0.2, 0.5, np.inf)
"""Relative changes of the limit that are told apart; no change stands by itself."""
RATE_STEPS = (-np.inf, -0.01, -0.0025, 0.0, 0.0025, 0.01, np.inf)
"""Changes of the annual rate that are told apart: 25 and 100 basis points."""


@dataclass(frozen=True)
class Diff:
    """Policies ``a`` and ``b`` on the same companies; ``lgd`` is the loss given default (0 to 1).

    ``frames`` hold the same rows in the same order, read for each policy.
    """

    a: Policy
    b: Policy
    frames: tuple[Frame, Frame]
    before: Decided
    after: Decided
    lgd: float

    @property
    def table(self) -> pa.Table:
        """All that is known of the companies."""
        return self.frames[0].table

    @cached_property
    def ids(self) -> list[str]:
        """The companies, in the order of the table; a table without ids counts its rows from 1."""
        table = self.table
        if COMPANY in table.column_names:
            return [str(key) for key in table[COMPANY].to_pylist()]
        return [str(i) for i in range(1, table.num_rows + 1)]

    @cached_property
    def pd(self) -> Floats:
        """The one-year probability of default; NaN where it is not known or not within 0 to 1."""
        table = self.table
        if "pd" not in table.column_names:
            return np.full(table.num_rows, np.nan)
        pd: Floats = pc.cast(table["pd"], pa.float64()).to_numpy()
        return np.where((pd >= 0) & (pd <= 1), pd, np.nan)

    @cached_property
    def moved(self) -> Flags:
        """Whose outcome changed."""
        moved: Flags = self.before.outcome != self.after.outcome
        return moved

    @cached_property
    def changed(self) -> Flags:
        """Whose outcome, limit or rate changed."""
        same = [
            (x == y) | (np.isnan(x) & np.isnan(y))
            for x, y in ((self.before.limit, self.after.limit), (self.before.rate, self.after.rate))
        ]
        changed: Flags = self.moved | ~same[0] | ~same[1]
        return changed

    @cached_property
    def figures(self) -> tuple[Figures, Figures]:
        """All companies under each policy."""
        return figures(self.before, self.pd, self.lgd), figures(self.after, self.pd, self.lgd)

    @cached_property
    def transitions(self) -> npt.NDArray[np.int64]:
        """Companies by outcome under ``a`` (rows) and ``b`` (columns)."""
        size = len(OUTCOMES)
        place = self.before.outcome * size + self.after.outcome
        return np.bincount(place, minlength=size * size).reshape(size, size)

    def causes(self) -> list[Cause]:
        """Why outcomes changed, the most frequent first."""
        rows = np.flatnonzero(self.moved)
        if not len(rows):
            return []
        a, b = self.before, self.after
        keys = np.stack([a.outcome[rows], b.outcome[rows], a.reason[rows], b.reason[rows]], axis=1)
        found: dict[tuple[int, int, tuple[str, ...], tuple[str, ...]], list[npt.NDArray[np.intp]]] = {}
        kinds, place = np.unique(keys, axis=0, return_inverse=True)
        order = np.argsort(place, kind="stable")
        parts = np.split(rows[order], np.cumsum(np.bincount(place, minlength=len(kinds)))[:-1])
        for (was, now, old, new), part in zip(kinds.tolist(), parts, strict=True):
            lost, gained = _without(a.words[old], b.words[new]), _without(b.words[new], a.words[old])
            found.setdefault((was, now, lost, gained), []).append(part)
        causes = [self._cause(*key, np.sort(np.concatenate(some))) for key, some in found.items()]
        return sorted(causes, key=lambda c: (-c.companies, c.before, c.after, c.lost, c.gained))

    def _cause(
        self,
        was: int,
        now: int,
        lost: tuple[str, ...],
        gained: tuple[str, ...],
        rows: npt.NDArray[np.intp],
    ) -> Cause:
        change = np.nansum(self.after.limit[rows]) - np.nansum(self.before.limit[rows])
        examples = tuple(self.ids[i] for i in rows[:EXAMPLES])
        return Cause(OUTCOMES[was], OUTCOMES[now], lost, gained, len(rows), float(change), examples)

    def group(self, name: str, mine: Flags) -> Group:
        """The companies ``mine`` under both policies."""
        before, after = (figures(side, self.pd, self.lgd, mine) for side in (self.before, self.after))
        return Group(name, before, after, int((self.moved & mine).sum()))

    def groups(self, column: str, order: Sequence[str] = ()) -> list[Group]:
        """The companies by the words of ``column``: those of ``order`` first, then the most frequent.

        A missing word is named with the empty text; no groups when the table has no such column.
        """
        if column not in self.table.column_names:
            return []
        words = pc.fill_null(pc.cast(self.table[column], pa.string()), "").combine_chunks()
        coded = words.dictionary_encode()
        names, place = coded.dictionary.to_pylist(), coded.indices.to_numpy()
        count = dict(zip(names, np.bincount(place, minlength=len(names)).tolist(), strict=True))
        rank = {name: i for i, name in enumerate(order)}
        names_in_order = sorted(names, key=lambda n: (rank.get(n, len(rank)), -count[n], n))
        return [self.group(name, place == names.index(name)) for name in names_in_order]

    def by_missing(self) -> list[Group]:
        """The companies by how many inputs of either policy they lack: 0, 1, 2, 3+.

        What every company lacks (a source that is not connected) tells none apart and is not counted.
        """
        gaps = [gone for gone in self.absent.values() if not gone.all()]
        lacking = np.minimum(sum(gaps, np.zeros(len(self.ids), np.intp)), MANY_MISSING)
        names = {i: str(i) for i in range(MANY_MISSING)} | {MANY_MISSING: f"{MANY_MISSING}+"}
        return [self.group(names[i], lacking == i) for i in names if (lacking == i).any()]

    def by_absent(self) -> list[Group]:
        """For every source some company lacks: the companies that lack it."""
        return [self.group(name, gone) for name, gone in self.absent.items() if gone.any()]

    @cached_property
    def absent(self) -> dict[str, Flags]:
        """Source of an input of either policy -> who lacks it; sources nobody was asked for are left out."""
        found: dict[str, Flags] = {}
        for policy, frame in zip((self.a, self.b), self.frames, strict=True):
            for name, column in frame.columns.items():
                source = policy.file.inputs[name].source
                found[source] = pc.is_null(column, nan_is_null=True).to_numpy()
        return found

    def limit_shifts(self) -> list[Shift]:
        """How limits changed of those approved by both, relative to the old limit."""
        old, new = (side.limit[self.lent_by_both] for side in (self.before, self.after))
        return _shifts(new / old - 1, LIMIT_STEPS)

    def rate_shifts(self) -> list[Shift]:
        """How annual rates changed of those approved by both."""
        old, new = (side.rate[self.lent_by_both] for side in (self.before, self.after))
        return _shifts(np.round(new - old, 9), RATE_STEPS)

    @cached_property
    def lent_by_both(self) -> Flags:
        """Who is approved by both."""
        both: Flags = (self.before.outcome == APPROVE) & (self.after.outcome == APPROVE)
        return both


def compare(a: Policy, b: Policy, frames: tuple[Frame, Frame], lgd: float) -> Diff:
    """Decide all cases by both; the two frames hold the same rows, read for each policy."""
    return Diff(a, b, frames, decide_frame(a, frames[0]), decide_frame(b, frames[1]), lgd)


@dataclass(frozen=True, slots=True)
class Effect:
    """What one edit changes: companies of another outcome, and of another outcome, limit or rate."""

    moved: int
    changed: int
    before: Figures
    after: Figures


def effects(diff: Diff) -> list[tuple[Edit, Effect | None]]:
    """Every edit between the two files with what it does by itself; None where that cannot be said."""
    return [(edit, _effect(diff, edit)) for edit in edits(diff.a, diff.b)]


def _effect(diff: Diff, edit: Edit) -> Effect | None:
    if edit.trial is None:
        return None
    known = {id(diff.a): diff.before, id(diff.b): diff.after}
    table = diff.frames[edit.undone].table
    before, after = (
        known.get(id(policy)) or decide_frame(policy, read_frame(policy, table)) for policy in edit.trial
    )
    alone = Diff(*edit.trial, diff.frames, before, after, diff.lgd)
    return Effect(int(alone.moved.sum()), int(alone.changed.sum()), *alone.figures)


def _without(words: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in others)


def _shifts(change: Floats, steps: Sequence[float]) -> list[Shift]:
    """Counts of changes between ``steps``; exactly none has a step of its own, low = high = 0."""
    shifts = []
    for low, high in pairwise(steps):
        if low == 0:
            shifts.append(Shift(0.0, 0.0, int((change == 0).sum())))
        inside = (change >= low) & (change < high) if high <= 0 else (change > low) & (change <= high)
        shifts.append(Shift(low, high, int(inside.sum())))
    return shifts


def changes(diff: Diff) -> pa.Table:
    """The companies whose outcome, limit or rate changed, in the order of the frame."""
    rows = np.flatnonzero(diff.changed)
    table: dict[str, pa.Array] = {COMPANY: pa.array([diff.ids[i] for i in rows], pa.string())}
    for name in ("grade", "pd", "peer_group"):
        if name in diff.table.column_names:
            table[name] = diff.table[name].take(pa.array(rows))
    for side, decided in (("before", diff.before), ("after", diff.after)):
        table |= {f"{name}_{side}": column for name, column in _columns(decided, rows)}
    return pa.table(table)


def _columns(decided: Decided, rows: npt.NDArray[np.intp]) -> Iterator[tuple[str, pa.Array]]:
    words: Mapping[int, str] = {i: " ".join(codes) for i, codes in enumerate(decided.words)}
    yield "outcome", pa.array([OUTCOMES[i] for i in decided.outcome[rows]], pa.string())
    yield "limit_cny", pa.array(decided.limit[rows], from_pandas=True).cast(pa.decimal128(18, 2))
    yield "rate", pa.array(np.round(decided.rate[rows], 6), from_pandas=True).cast(pa.decimal128(9, 6))
    yield "reason_codes", pa.array([words[i] for i in decided.reason[rows].tolist()], pa.string())
