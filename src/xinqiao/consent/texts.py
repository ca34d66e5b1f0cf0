"""Texts of grants (授权书) in versions, from ``catalog/consent/texts``.

A text cannot be published without the five elements a person must be told: who handles the information,
why and how, which kinds, how long, and how to exercise one's rights; a special text warns of adverse
consequences as well.
"""

from __future__ import annotations

import string
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

Kind = Literal["ordinary", "special"]
ELEMENTS = ("processor", "purpose", "kinds", "retention", "rights")
"""The five elements of telling (告知五要素), in the order shown."""
_PLACES = {
    "processor": {"receiver", "contact"},
    "purpose": {"purposes"},
    "kinds": {"data_sets"},
    "retention": {"until"},
}


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Version(_Document):
    """One version. ``renews``: grants under older versions end on the day it takes effect."""

    version: int = Field(ge=1)
    effective: date
    renews: bool
    processor: Text | None = None
    purpose: Text | None = None
    kinds: Text | None = None
    consequence: Text | None = None
    retention: Text | None = None
    rights: Text | None = None

    def fill(self, **values: object) -> Text:
        """The whole text, a paragraph an element."""
        told = [getattr(self, name) for name in (*ELEMENTS[:3], "consequence", *ELEMENTS[3:])]
        parts = [part.fill(**values) for part in told if part is not None]
        return Text(zh="\n".join(p.zh for p in parts), en="\n".join(p.en for p in parts))


class ConsentText(_Document):
    """A text with all its versions, oldest first."""

    id: str
    kind: Kind
    versions: list[Version] = Field(min_length=1)

    def at(self, day: date) -> Version:
        """The version to be signed on ``day``. Raises UserError CST-TEXT where none is in effect yet."""
        begun = [v for v in self.versions if v.effective <= day]
        if not begun:
            fail("CST-TEXT", self.id, detail=f"effective from {self.versions[0].effective}")
        return begun[-1]

    def holding(self, day: date) -> list[int]:
        """Versions whose grants still hold on ``day``."""
        begun = [v for v in self.versions if v.effective <= day]
        renewed = max((v.version for v in begun if v.renews), default=0)
        return [v.version for v in begun if v.version >= renewed]


def load_text(text: str, origin: str) -> ConsentText:
    """Read and check a text. Raises UserError DOC-* or CST-TEXT with the line."""
    told, lines = parse(text, ConsentText, origin)
    for i, version in enumerate(told.versions):
        _check_version(told, version, lines, i)
    return told


def _check_version(told: ConsentText, version: Version, lines: Lines, i: int) -> None:
    where = lines.where(("versions", i))
    needed = (*ELEMENTS, "consequence") if told.kind == "special" else ELEMENTS
    for name in needed:
        part: Text | None = getattr(version, name)
        if part is None or not part.zh.strip() or not part.en.strip():
            fail("CST-TEXT", where, detail=f"{name}: missing")
        for words in (part.zh, part.en):
            places = {field for _, field, _, _ in string.Formatter().parse(words) if field is not None}
            if places != _PLACES.get(name, set()):
                wanted = ", ".join(sorted(_PLACES.get(name, set()))) or "none"
                fail("CST-TEXT", lines.where(("versions", i, name)), detail=f"{name}: places {wanted}")
    if i and (
        version.version <= told.versions[i - 1].version or version.effective < told.versions[i - 1].effective
    ):
        fail("CST-TEXT", where, detail="versions in order")


@cache
def texts() -> dict[Kind, ConsentText]:
    """The texts by kind."""
    folder = files("xinqiao").joinpath("catalog", "consent", "texts")
    loaded = [load_text(f.read_text("utf-8"), f.name) for f in sorted(folder.iterdir(), key=lambda f: f.name)]
    return {told.kind: told for told in loaded}


def holding(day: date) -> list[str]:
    """``id@version`` of every text whose grants hold on ``day``."""
    return [f"{told.id}@{version}" for told in texts().values() for version in told.holding(day)]
