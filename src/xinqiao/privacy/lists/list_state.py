"""What a node keeps of an operators' list between its building and its questions."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto import kept
from xinqiao.privacy.crypto.group import POINT_BYTES, Points
from xinqiao.privacy.job.manifest import Hex32, Name


class ListState(BaseModel):
    """One party's part of a list: the bank's has no secrets, an operator's none of the others'.

    ``built``: digest of the manifest that built it, the same at all. ``publics``: each operator's share of
    the key of counts. ``answer`` and ``threshold``: what it was built for; only ``total`` allows others.
    ``hashing`` and ``opening``: this operator's secrets. ``used``: ids asked so far.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: Literal["xinqiao.operators_list"] = "xinqiao.operators_list"
    version: Literal[1] = 1
    name: Name
    bank: Name
    built: Hex32
    key_kind: str
    publics: dict[Name, Hex32]
    rows: int = Field(ge=1)
    count_at_most: int = Field(ge=1)
    answer: str
    threshold: int | None = None
    quota: int = Field(ge=1)
    used: int = Field(default=0, ge=0)
    hashing: Hex32 | None = None
    opening: Hex32 | None = None

    def public(self, operator: str) -> Points:
        """An operator's share of the key of counts."""
        return np.frombuffer(bytes.fromhex(self.publics[operator]), np.uint8).reshape(1, POINT_BYTES)

    def secret(self, which: Literal["hashing", "opening"]) -> int:
        """One of this operator's secrets."""
        told = self.hashing if which == "hashing" else self.opening
        return int(told or "", 16)

    @property
    def total_at_most(self) -> int:
        """The largest total that can be."""
        return self.count_at_most * len(self.publics)

    def save(self, folder: Path, store: bytes | None = None) -> None:
        """Write it, readable by the node alone, whole or not at all; with the bank's ``store`` of it."""
        with locked(folder, self.name, self.bank):
            if store is not None:
                kept.write(file_of(folder, self.name, self.bank, "store"), store)
            _put(folder, self)

    def spend(self, folder: Path, asked: int) -> ListState:
        """The state with ``asked`` more questions used, saved before any is answered.

        What is used is read again, for other jobs ask the same list meanwhile. Raises UserError
        PRV-LIST-QUOTA where there are not so many left, PRV-LIST-STATE where the list was built again.
        """
        with locked(folder, self.name, self.bank):
            now = self.still(folder)
            if now.used + asked > now.quota:
                fail("PRV-LIST-QUOTA", now.bank, name=now.name, quota=now.quota, used=now.used, asked=asked)
            spent = now.model_copy(update={"used": now.used + asked})
            _put(folder, spent)
            return spent

    def still(self, folder: Path) -> ListState:
        """This list as it stands now. Raises UserError PRV-LIST-STATE where it was built again."""
        now = load(folder, self.name, self.bank)
        if now.built != self.built:
            fail("PRV-LIST-STATE", self.bank, name=self.name, detail="built by another job")
        return now


def load(folder: Path, name: str, bank: str) -> ListState:
    """The list ``name`` that ``bank`` may ask. Raises UserError PRV-LIST-STATE."""
    try:
        return ListState.model_validate_json(file_of(folder, name, bank).read_bytes())
    except (OSError, ValidationError) as error:
        return fail("PRV-LIST-STATE", bank, name=name, detail=type(error).__name__)


def locked(folder: Path, name: str, bank: str) -> AbstractContextManager[None]:
    """The files of a list for one job at a time."""
    return kept.locked(file_of(folder, name, bank, "lock"))


def file_of(folder: Path, name: str, bank: str, ending: str = "json") -> Path:
    """Where a list's state stands."""
    return folder / f"list.{name}.{bank}.{ending}"


def _put(folder: Path, state: ListState) -> None:
    kept.write(file_of(folder, state.name, state.bank), canonical_json(state.model_dump(mode="json")))
