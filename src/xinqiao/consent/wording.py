"""Words that must not be published (文案校验), from ``catalog/consent/wording.yaml``."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, RootModel

from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text


class _Ban(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Text
    words: list[str]


class _File(RootModel[dict[str, _Ban]]):
    pass


@cache
def _bans() -> dict[str, _Ban]:
    file = files("xinqiao").joinpath("catalog", "consent", "wording.yaml")
    return parse(file.read_text("utf-8"), _File, file.name)[0].root


def _plain(text: str) -> str:
    """Only letters, digits and %, whatever their width and case: blanks put between don't help."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum() or c == "%")


def found_in(*texts: str) -> list[tuple[str, Text]]:
    """Every banned word in ``texts``, with why it is banned."""
    told = _plain("\n".join(texts))
    return [(word, ban.name) for ban in _bans().values() for word in ban.words if _plain(word) in told]


def check(where: str, *texts: str) -> None:
    """Refuse to publish ``texts`` with a banned word. Raises UserError CST-WORDING."""
    if found := found_in(*texts):
        fail("CST-WORDING", where, found=", ".join(word for word, _ in found))
