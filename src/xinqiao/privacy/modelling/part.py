"""What all parties' parts of a joint model have in common: whose they are, and a file in the own node."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, ValidationError

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto import kept
from xinqiao.privacy.job.manifest import Hex32, Name
from xinqiao.scoring.card import Frozen

_HEX = frozenset("0123456789abcdef")


class Part(Frozen):
    """One party's part. ``model`` is the digest of the manifest it was fitted under: the same at all."""

    FILE: ClassVar[str]
    model: Hex32
    party: Name
    parties: tuple[Name, ...] = Field(min_length=2)

    def save(self, state: Path) -> Path:
        """Write to the node's folder ``state``, readable by the node alone; whole or not at all."""
        target = self._file(state, self.model)
        kept.write(target, canonical_json(self.model_dump(mode="json")))
        return target

    @classmethod
    def load(cls, state: Path, model: str, party: str) -> Self:
        """``party``'s part of ``model``. Raises UserError PRV-MODEL-PART: it is not there, or not whole."""
        try:
            part = cls.model_validate_json(cls._file(state, model).read_bytes())
        except (OSError, ValidationError) as error:
            return fail("PRV-MODEL-PART", party, model=model[:12], detail=type(error).__name__)
        if part.party != party or part.model != model:
            fail("PRV-MODEL-PART", party, model=model[:12], detail=f"{part.party} {part.model[:12]}")
        return part

    @classmethod
    def _file(cls, state: Path, model: str) -> Path:
        if len(model) != 64 or not set(model) <= _HEX:  # noqa: PLR2004 - hexadecimal SHA-256
            fail("PRV-MODEL-PART", "model", model=model[:12], detail="SHA-256")
        return state / f"{cls.FILE}-{model}.json"
