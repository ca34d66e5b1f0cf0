"""Errors a user can cause: a code, what is wrong, where, and what to do, in zh and en.

The wording lives in ``catalog/errors/*.yaml`` so that it is translated, documented and
tested in one place; code raises by code only::

    UserError
     └─ raised as fail("SRC-ENCODING", where="a.csv", tried="utf-8, gb18030")
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NoReturn

import yaml

from xinqiao.kernel.text import Text


class UserError(Exception):
    """Something the user can mend.

    ``code`` is stable and searchable, ``where`` names file, line and column as far as known,
    ``what`` says what is wrong and ``fix`` what to do.
    """

    def __init__(self, code: str, where: str, what: Text, fix: Text) -> None:
        super().__init__(f"[{code}] {where}: {what} -> {fix}")
        self.code = code
        self.where = where
        self.what = what
        self.fix = fix

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, Text, Text]]:
        return UserError, (self.code, self.where, self.what, self.fix)  # so that it crosses processes


@cache
def wording() -> dict[str, tuple[Text, Text]]:
    """All known codes with their (what, fix) texts."""
    known: dict[str, tuple[Text, Text]] = {}
    folder = files("xinqiao").joinpath("catalog", "errors")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        for code, entry in (yaml.safe_load(file.read_text("utf-8")) or {}).items():
            if code in known:
                message = f"error code {code} is defined twice"
                raise ValueError(message)
            known[code] = (
                Text(zh=entry["zh"], en=entry["en"]),
                Text(zh=entry["fix_zh"], en=entry["fix_en"]),
            )
    return known


def user_error(code: str, where: str, **values: object) -> UserError:
    """Build the error ``code`` with its wording filled in from ``values``."""
    what, fix = wording()[code]
    return UserError(code, where, what.fill(**values), fix.fill(**values))


def fail(code: str, where: str, **values: object) -> NoReturn:
    """Raise the error ``code``; ``where`` is ``file[:line[:column]]`` or the named option."""
    raise user_error(code, where, **values)
