"""Fields that must not be collected (采集禁区), from ``catalog/contracts/_forbidden.yaml``.

A field, or a column of a mapping, whose name contains one of the listed words is refused; a column of a
file is simply not read. Only letters and digits are compared, whatever their width, case and accents.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from xinqiao.kernel.document import parse
from xinqiao.kernel.text import Text


class _Ban(BaseModel):
    """``whose``: what stands before each of the words, where they are refused of certain people only."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    law: Text
    whose: list[str] = [""]
    words: list[str]


class _Bans(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bans: list[_Ban]


def _plain(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())


@cache
def _words() -> dict[str, Text]:
    file = files("xinqiao").joinpath("catalog", "contracts", "_forbidden.yaml")
    listed, _ = parse(file.read_text("utf-8"), _Bans, file.name)
    return {_plain(whose + word): ban.law for ban in listed.bans for whose in ban.whose for word in ban.words}


def forbidden_reason(name: str) -> Text | None:
    """The rule that forbids collecting a field called ``name``, or None."""
    plain = _plain(name)
    return next((law for word, law in _words().items() if word in plain), None)
