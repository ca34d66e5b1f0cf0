"""The store of decisions of one run: records, an index, and the artifacts they rest on.

::

    decisions.jsonl               one canonical record a line, sorted by company, then id
    decisions.index.json          decision id -> [offset, length, company]
    artifacts/<sha256>.json       the exact bytes of a model
    artifacts/<sha256>.yaml       the exact bytes of a policy or a release
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.writing import write_whole
from xinqiao.policy.record import Basis, DecisionRecord

RECORDS = "decisions.jsonl"
INDEX = "decisions.index.json"
ARTIFACTS = "artifacts"
SHORTEST_PREFIX = 8


class DecisionStore:
    """The decisions kept in the folder ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(
        self,
        basis: Basis,
        records: Iterable[DecisionRecord],
        others: Iterable[Basis] = (),
        release: bytes | None = None,
    ) -> int:
        """Write all decisions of a run, given in order of company; returns how many.

        ``others`` decided beside ``basis``, under ``release``, whose exact bytes are kept too.
        The index comes last and takes its name at once: a store without it is not finished.
        """
        folder = self.root / ARTIFACTS
        folder.mkdir(parents=True, exist_ok=True)
        for part in (basis, *others):
            write_whole(folder / f"{digest(part.model_bytes)}.json", part.model_bytes)
            write_whole(folder / f"{digest(part.policy_bytes)}.yaml", part.policy_bytes)
        if release is not None:
            write_whole(folder / f"{digest(release)}.yaml", release)
        index = self._records(records)
        write_whole(self.root / INDEX, canonical_json(index))
        self.__dict__.pop("index", None)
        return len(index)

    def _records(self, records: Iterable[DecisionRecord]) -> dict[str, list[Any]]:
        partial = self.root / f".{RECORDS}.partial"
        index: dict[str, list[Any]] = {}
        last, offset = ("", ""), 0
        with partial.open("wb") as out:
            for record in records:
                place = (record.company_id, record.decision_id)
                if place <= last:
                    message = f"decisions must come sorted by company and id, each once: {place} after {last}"
                    raise ValueError(message)
                line = record.to_bytes()
                out.write(line + b"\n")
                index[record.decision_id] = [offset, len(line), record.company_id]
                last, offset = place, offset + len(line) + 1
        partial.replace(self.root / RECORDS)
        return index

    @cached_property
    def index(self) -> Mapping[str, list[Any]]:
        """Decision id -> [offset, length, company]; raises UserError POL-STORE."""
        path = self.root / INDEX
        try:
            index = json.loads(path.read_bytes())
            if not isinstance(index, dict) or not all(_is_entry(entry) for entry in index.values()):
                fail("POL-STORE", str(path), detail="not an index")
        except (OSError, ValueError) as error:
            raise user_error("POL-STORE", str(path), detail=str(error)) from error
        return index

    def full_id(self, decision_id: str) -> str | None:
        """The one id that begins with ``decision_id`` (8 characters or more), or None."""
        if decision_id in self.index:
            return decision_id
        found = [known for known in self.index if known.startswith(decision_id)]
        return found[0] if len(found) == 1 and len(decision_id) >= SHORTEST_PREFIX else None

    def of_company(self, company_id: str) -> list[str]:
        """The ids of a company's decisions, sorted."""
        return sorted(known for known, entry in self.index.items() if entry[2] == company_id)

    def line(self, decision_id: str) -> bytes:
        """The stored bytes of a decision, its line end included, as the index points to them.

        Raises UserError POL-DECISION or POL-STORE.
        """
        if decision_id not in self.index:
            fail("POL-DECISION", str(self.root), decision=decision_id)
        offset, length, _ = self.index[decision_id]
        path = self.root / RECORDS
        try:
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(length + 1)
        except OSError as error:
            raise user_error("POL-STORE", str(path), detail=str(error)) from error

    def artifact(self, name: str) -> bytes:
        """The bytes of an artifact, unchecked; raises UserError POL-STORE."""
        path = self.root / ARTIFACTS / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise user_error("POL-STORE", str(path), detail=str(error)) from error


def _is_entry(entry: object) -> bool:
    match entry:
        case [int(offset), int(length), str()]:
            return offset >= 0 and length >= 0
        case _:
            return False
