"""Pairs of descriptions compared field by field: a level each, and the points it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from xinqiao.enterprise.edit_distance import edit_distances
from xinqiao.enterprise.party import ABSENT, KNOWN_FORMS, Ints, Numbers, Party, Read
from xinqiao.enterprise.place import compatible
from xinqiao.enterprise.resolution_rules import FieldId, Level, resolution_rules

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

AT_ONCE = 100_000
NEAR_CODE = 2
"""Characters that may differ between codes one of which is wrongly written."""
ALIKE = 0.5
"""Share of the longer name that is the same in names that are somewhat alike."""
_OF_NAME = ("plain", "core", "trade", "business", "form", "branch")
_OF_ADDRESS = ("spot", "room", "road")
_OF_PARTY = ("phone", "representative")
_KEYS = {"phone key": "phone", "representative key": "representative"}
_NUMBERED = (*_OF_NAME, *_OF_ADDRESS, *_OF_PARTY, *_KEYS, "at", "code", "organisation", "places")
VALUED: Mapping[tuple[FieldId, str], str] = {
    ("name", "same"): "plain",
    ("name", "former"): "plain",
    ("name", "core"): "core",
    ("name", "near"): "core",
    ("name", "abbreviated"): "trade",
    ("name", "trade"): "trade",
    ("address", "room"): "at",
    ("address", "spot"): "spot",
    ("phone", "same"): "phone",
    ("representative", "same"): "representative",
}
"""Levels worth points by rarity: by the rarity of which value of the register's."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Descriptions as integers by field (equal for equal texts, ABSENT for none), and as they are."""

    reads: Sequence[Read]
    values: Mapping[str, Ints]
    valid: Bools
    known: Bools
    former: Bools


class Comparer:
    """Compares descriptions of a register's firms with others'; ``register`` in the order of its reads."""

    def __init__(self, register: Sequence[Read], parties: Sequence[Party]) -> None:
        self._numbers = {name: Numbers() for name in _NUMBERED}
        self._register = self._columns(register, parties)
        firms = max(len(parties), resolution_rules().population)
        self._bits = {name: self._rarity(name, firms) for name in set(VALUED.values())}

    def _columns(self, reads: Sequence[Read], parties: Sequence[Party]) -> Columns:
        values = {name: self._numbers[name].of(_texts(name, reads, parties)) for name in _NUMBERED}
        valid = np.array([read.code_valid for read in reads], dtype=bool)
        known = [bool(read.name.places) or read.name.form in KNOWN_FORMS for read in reads]
        former = np.array([read.former for read in reads], dtype=bool)
        return Columns(reads, values, valid, np.array(known, dtype=bool), former)

    def _rarity(self, name: str, firms: int) -> Floats:
        """log2(firms / firms with the value) of every entry of the register."""
        values = self._register.values[name]
        counts = np.bincount(values[values != ABSENT], minlength=1)
        return np.asarray(np.log2(firms / np.maximum(counts[np.maximum(values, 0)], 1)))

    def levels(
        self, records: Sequence[Read], parties: Sequence[Party], pairs: tuple[Ints, Ints]
    ) -> tuple[dict[FieldId, Ints], Floats]:
        """Level of each field (place in the rules, ABSENT: not compared) and the score of each pair (n,)."""
        columns = self._columns(records, parties)
        found: dict[FieldId, list[Ints]] = {field: [] for field in resolution_rules().fields}
        scores: list[Floats] = [np.empty(0)]
        for start in range(0, len(pairs[0]), AT_ONCE):
            left, right = pairs[0][start : start + AT_ONCE], pairs[1][start : start + AT_ONCE]
            levels = _Pairs(columns, self._register, left, right).levels()
            scores.append(self._points(levels, right))
            for field, each in levels.items():
                found[field].append(each)
        none = np.empty(0, dtype=np.int64)
        return {field: np.concatenate([none, *each]) for field, each in found.items()}, np.concatenate(scores)

    def _points(self, levels: Mapping[FieldId, Ints], right: Ints) -> Floats:
        total = np.zeros(len(right))
        for field, reached in levels.items():
            for place, (name, level) in enumerate(resolution_rules().fields[field].levels.items()):
                at = reached == place
                total[at] += self._worth(field, name, level, right[at])
        return total

    def _worth(self, field: FieldId, name: str, level: Level, right: Ints) -> Floats | float:
        if level.most is None:
            return level.points or 0.0
        bits = self._bits[VALUED[field, name]][right]
        return np.clip(bits - level.less, 0.0, level.most)


def _texts(name: str, reads: Sequence[Read], parties: Sequence[Party]) -> list[Any]:
    """The values of field ``name``, what is empty meaning absent."""
    if name in _OF_NAME:
        return [getattr(read.name, name) for read in reads]
    if name in _OF_ADDRESS:
        return [getattr(read.address, name) for read in reads]
    if name in _OF_PARTY:
        return [getattr(parties[read.party], f"{name}_hash") for read in reads]
    if name in _KEYS:  # hashes under two keys say nothing of each other
        return [value and value.rpartition(":")[0] + ":" for value in _texts(_KEYS[name], reads, parties)]
    if name == "at":
        return [(read.address.spot, read.address.room) if read.address.spot else "" for read in reads]
    return [getattr(read, name) for read in reads]


class _Pairs:
    """Pairs of entries of two sets of columns."""

    def __init__(self, records: Columns, register: Columns, left: Ints, right: Ints) -> None:
        self.records, self.register, self.left, self.right = records, register, left, right

    def _both(self, name: str) -> tuple[Ints, Ints]:
        return self.records.values[name][self.left], self.register.values[name][self.right]

    def _same(self, name: str) -> Bools:
        one, other = self._both(name)
        return np.asarray((one == other) & (one != ABSENT))

    def _given(self, name: str) -> Bools:
        one, other = self._both(name)
        return np.asarray((one != ABSENT) & (other != ABSENT))

    def levels(self) -> dict[FieldId, Ints]:
        """The level of every field."""
        branches = self._both("branch")
        branch_differs = (branches[0] != branches[1]) & self._given("plain")
        form_differs = self._given("form") & ~self._same("form")
        return {
            "code": self._code(),
            "name": self._name(),
            "place": self._place(),
            "branch": _first(branch_differs),
            "form": _first(form_differs),
            "address": self._address(),
            "phone": self._hashed("phone"),
            "representative": self._hashed("representative"),
        }

    def _hashed(self, name: str) -> Ints:
        return _first(self._same(name), self._given(name) & self._same(f"{name} key"))

    def _code(self) -> Ints:
        valid = self.records.valid[self.left] & self.register.valid[self.right]
        given, same = self._given("code"), self._same("code")
        organisation = self._same("organisation")
        near = given & ~valid & (self._distances("code", given & ~valid & ~same) <= NEAR_CODE)
        return _first(same & valid, organisation, near, given & ~valid, given)

    def _name(self) -> Ints:
        given = self._given("plain")
        whole = self._same("plain") & (self.records.known[self.left] | self.register.known[self.right])
        former = whole & (self.records.former[self.left] | self.register.former[self.right])
        core, trade = self._same("core"), self._same("trade")
        business, form = self._both("business"), self._both("form")
        unsaid = (business[0] == ABSENT) | (business[1] == ABSENT) | self._within()
        left_out = (
            trade & unsaid & ((form[0] == ABSENT) | (form[1] == ABSENT))
        )  # a full name leaves out nothing
        apart = self._distances("core", given & ~core)
        longest = np.maximum(*(np.maximum(length, 1) for length in self._lengths()))
        alike = 1.0 - apart / longest >= ALIKE
        near = (apart <= 1) & (longest > 2)  # noqa: PLR2004 - one of two characters is half a name
        return _first(whole & ~former, former, core, left_out, near & given, trade, alike & given, given)

    def _within(self) -> Bools:
        """Whether the business of one is part of the other's."""
        one, other = self._both("business")
        unsure = np.flatnonzero(self._same("trade") & (one != other))
        found = np.zeros(len(one), dtype=bool)
        for place in unsure:
            mine = self.records.reads[self.left[place]].name.business
            theirs = self.register.reads[self.right[place]].name.business
            found[place] = mine in theirs or theirs in mine
        return found

    def _lengths(self) -> tuple[Ints, Ints]:
        mine = np.array([len(self.records.reads[place].name.core) for place in self.left], dtype=np.int64)
        theirs = np.array([len(self.register.reads[place].name.core) for place in self.right], dtype=np.int64)
        return mine, theirs

    def _distances(self, name: str, wanted: Bools) -> Ints:
        """Edit distance of the cores or codes of the pairs wanted, 0 for the others."""
        places = np.flatnonzero(wanted)

        def text(read: Read) -> str:
            return read.code if name == "code" else read.name.core

        mine = [text(self.records.reads[place]) for place in self.left[places]]
        theirs = [text(self.register.reads[place]) for place in self.right[places]]
        found = np.zeros(len(wanted), dtype=np.int64)
        found[places] = edit_distances(mine, theirs)
        return found

    def _place(self) -> Ints:
        given = self._given("places")
        one, other = self._both("places")
        agree = given & (one == other)
        known: dict[tuple[int, int], bool] = {}
        for place in np.flatnonzero(given & ~agree):
            key = int(one[place]), int(other[place])
            if key not in known:
                mine = self.records.reads[self.left[place]].places
                known[key] = compatible(mine, self.register.reads[self.right[place]].places)
            agree[place] = known[key]
        return _first(agree, given)

    def _address(self) -> Ints:
        fits = self._place() != 1
        spot = self._same("spot") & fits
        return _first(spot & self._same("room"), spot, self._same("road") & fits, self._given("spot"))


def _first(*tests: Bools) -> Ints:
    """The place of the first test that holds, ABSENT where none does."""
    found = np.full(len(tests[0]), ABSENT, dtype=np.int64)
    for place in range(len(tests) - 1, -1, -1):
        found[tests[place]] = place
    return found
