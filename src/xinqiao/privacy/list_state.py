"""What a node keeps of an operators' list between its building and its questions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail
from xinqiao.privacy.group import POINT_BYTES, Points
from xinqiao.privacy.manifest import Hex32, Name

SECRET_MODE = 0o600


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

    def save(self, folder: Path) -> None:
        """Write it, readable by the node alone, whole or not at all."""
        write(file_of(folder, self.name, self.bank), canonical_json(self.model_dump(mode="json")))

    def spend(self, folder: Path, asked: int) -> ListState:
        """The state with ``asked`` more questions used, saved before any is answered.

        Raises UserError PRV-LIST-QUOTA where there are not so many left.
        """
        if self.used + asked > self.quota:
            fail("PRV-LIST-QUOTA", self.bank, name=self.name, quota=self.quota, used=self.used, asked=asked)
        spent = self.model_copy(update={"used": self.used + asked})
        spent.save(folder)
        return spent


def load(folder: Path, name: str, bank: str) -> ListState:
    """The list ``name`` that ``bank`` may ask. Raises UserError PRV-LIST-STATE."""
    try:
        return ListState.model_validate_json(file_of(folder, name, bank).read_bytes())
    except (OSError, ValidationError) as error:
        return fail("PRV-LIST-STATE", bank, name=name, detail=type(error).__name__)


def file_of(folder: Path, name: str, bank: str, ending: str = "json") -> Path:
    """Where a list's state stands."""
    return folder / f"list.{name}.{bank}.{ending}"


def write(target: Path, data: bytes) -> None:
    """Replace ``target`` at once by ``data``, mode 0600."""
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
