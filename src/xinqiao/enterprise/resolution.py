"""The same firm across sources: a register's firms found in other records, with or without the code.

``candidates`` proposes pairs, ``comparison`` scores them; here the scores become outcomes. A record is the
same firm only if its best pair scores high enough, stands clear of the next best firm, and nothing
contradicts it; short of that a person looks. Nothing is ever merged here: a match is a statement about two
records with its evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xinqiao.enterprise.candidates import Blocks, Tick
from xinqiao.enterprise.comparison import Comparer, Floats
from xinqiao.enterprise.party import ABSENT, Ints, Party, read_parties
from xinqiao.enterprise.resolution_rules import FieldId, Level, resolution_rules

Outcome = Literal["same", "review", "different"]
NO_RIVAL = float("-inf")
AGREEING = frozenset({"same", "organisation", "near"})
"""Levels of the code that speak for one firm."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one field came to."""

    field: FieldId
    level: str

    @property
    def told(self) -> Level:
        """What the rules say of it."""
        return resolution_rules().fields[self.field].levels[self.level]


@dataclass(frozen=True, slots=True)
class Match:
    """A record's best firm of the register, None where no firm has anything in common with it.

    ``rival`` and ``rival_score``: the next best firm. Scores are in bits (``catalog/codes/resolution.yaml``).
    """

    record: Party
    firm: Party | None
    outcome: Outcome
    score: float
    evidence: tuple[Evidence, ...]
    rival: Party | None
    rival_score: float


class Register:
    """The firms to be found; their order does not matter, among equals the lesser id comes first."""

    def __init__(self, firms: Sequence[Party]) -> None:
        self.firms = tuple(firms)
        reads = sorted(
            read_parties(self.firms), key=lambda read: (self.firms[read.party].id, read.name.plain)
        )
        self._blocks, self._comparer = Blocks(reads, self.firms), Comparer(reads, self.firms)
        self._firm_of = np.array([read.party for read in reads], dtype=np.int64)

    def resolve(self, records: Sequence[Party], tick: Tick = lambda _: None) -> Iterator[Match]:
        """The best firm of every record, in order; ``tick`` is called with records worked off."""
        reads = list(read_parties(records))
        left, right = self._blocks.pairs(reads, records, tick)
        levels, scores = self._comparer.levels(reads, records, (left, right))
        of_record = np.array([read.party for read in reads], dtype=np.int64)[left]
        of_firm = self._firm_of[right]
        order = np.lexsort((right, -scores, of_record))
        starts = np.searchsorted(of_record[order], np.arange(len(records) + 1))
        for place, record in enumerate(records):
            ranked = order[starts[place] : starts[place + 1]]
            yield self._match(record, ranked, of_firm, levels, scores)

    def _match(
        self, record: Party, ranked: Ints, of_firm: Ints, levels: dict[FieldId, Ints], scores: Floats
    ) -> Match:
        if not len(ranked):
            return Match(record, None, "different", NO_RIVAL, (), None, NO_RIVAL)
        best = ranked[0]
        others = ranked[of_firm[ranked] != of_firm[best]]
        rival = self.firms[of_firm[others[0]]] if len(others) else None
        rival_score = float(scores[others[0]]) if len(others) else NO_RIVAL
        evidence = tuple(_evidence(levels, int(best)))
        score = float(scores[best])
        outcome = _outcome(score, score - rival_score, evidence)
        return Match(record, self.firms[of_firm[best]], outcome, score, evidence, rival, rival_score)


def _evidence(levels: dict[FieldId, Ints], pair: int) -> Iterator[Evidence]:
    for field, compared in resolution_rules().fields.items():
        reached = int(levels[field][pair])
        if reached != ABSENT:
            yield Evidence(field, list(compared.levels)[reached])


def _outcome(score: float, margin: float, evidence: Sequence[Evidence]) -> Outcome:
    """By the thresholds; a contradiction needs a person, and a firm of the same code is never passed over."""
    wanted = resolution_rules().outcomes
    agreed = any(each.field == "code" and each.level in AGREEING for each in evidence)
    if score < wanted.review:
        return "review" if agreed else "different"
    doubtful = any(each.told.contradicts or (each.told.needs_code and not agreed) for each in evidence)
    sure = score >= wanted.same and margin >= wanted.margin and not doubtful
    return "same" if sure else "review"
