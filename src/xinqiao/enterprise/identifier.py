"""What checks of numbers share: the fault, the result of a check, plain writing, and what is alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from xinqiao.enterprise.division import divisions
from xinqiao.kernel.document import parse
from xinqiao.kernel.text import Text

Level = Literal["error", "warning"]
MAX_CHARS = 64
"""Longer texts are cut before they are looked at: no number is that long."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Registry(_Document):
    """A registering department and the kinds of bodies it registers."""

    name: Text
    types: dict[str, str]


class FaultKind(_Document):
    """How bad a fault is, and its words."""

    level: Level
    text: Text


class Rules(_Document):
    """``catalog/codes/identifiers.yaml``."""

    registries: dict[str, Registry]
    authorities: dict[str, Text]
    alike: tuple[str, ...]
    faults: dict[str, FaultKind]


@cache
def rules() -> Rules:
    """The rules of all numbers."""
    file = files("xinqiao").joinpath("catalog", "codes", "identifiers.yaml")
    return parse(file.read_text("utf-8"), Rules, file.name)[0]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a number; a warning does not make it invalid."""

    id: str
    level: Level
    text: Text


@dataclass(frozen=True, slots=True)
class Checked:
    """A number as given and as written plainly, all its faults, and what may have been meant."""

    given: str
    code: str
    faults: tuple[Fault, ...] = ()
    suggestions: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether no fault is an error."""
        return all(fault.level != "error" for fault in self.faults)


def fault(kind: str, **values: object) -> Fault:
    """The fault ``kind`` in words."""
    told = rules().faults[kind]
    return Fault(kind, told.level, told.text.fill(**values))


def plain(text: str) -> str:
    """Half width, upper case, without blanks and hyphens; nothing else is changed."""
    if text.isascii() and text.isalnum() and len(text) <= MAX_CHARS:  # most are plain already
        return text.upper()
    narrow = unicodedata.normalize("NFKC", text[:MAX_CHARS]).upper()
    return "".join(c for c in narrow if not c.isspace() and c not in "-‐‑–—\u200b\ufeff")


def division_faults(code: str) -> Iterator[Fault]:
    """What is wrong with the six characters of a division or registering authority."""
    if not (code.isascii() and code.isdigit()):
        yield fault("division_form", found=code)
    elif code not in divisions() and code not in rules().authorities:
        yield fault("division_unknown", found=code)


def suggest(code: str, length: int, valid: Callable[[str], bool]) -> tuple[str, ...]:
    """Valid codes one look-alike, one exchange of neighbours, or all forbidden letters mended, away."""
    if len(code) != length:
        return ()
    return tuple(near for near in dict.fromkeys(_near(code)) if near != code and valid(near))


def _near(code: str) -> Iterator[str]:
    yield code.translate(str.maketrans("IOZSV", "1025U"))
    for place, char in enumerate(code):
        for group in rules().alike:
            if char in group:
                yield from (code[:place] + other + code[place + 1 :] for other in group if other != char)
    for place in range(len(code) - 1):
        yield code[:place] + code[place + 1] + code[place] + code[place + 2 :]
