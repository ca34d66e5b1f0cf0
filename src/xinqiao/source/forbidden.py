"""Fields that must not be collected (采集禁区), from ``catalog/contracts/_forbidden.yaml``.

A field, or a column of a mapping, whose name contains one of the listed words is refused; a column of a
file is simply not read. Names are compared in lower case with blanks and underscores ignored.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from xinqiao.kernel.document import parse
from xinqiao.kernel.text import Text


class _Ban(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    law: Text
    words: list[str]


class _Bans(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bans: list[_Ban]


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c not in " _-　")


@cache
def _words() -> dict[str, str]:
    file = files("xinqiao").joinpath("catalog", "contracts", "_forbidden.yaml")
    listed, _ = parse(file.read_text("utf-8"), _Bans, file.name)
    return {_plain(word): str(ban.law) for ban in listed.bans for word in ban.words}


def forbidden_reason(name: str) -> str | None:
    """The rule that forbids collecting a field called ``name``, or None."""
    plain = _plain(name)
    return next((law for word, law in _words().items() if word in plain), None)
