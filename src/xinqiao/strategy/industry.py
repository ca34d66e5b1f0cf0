"""Industry group and kind of a company told from the words of its name, and how sure that is.

Masked data hold no industry code. A word such as 餐饮 says what is done (``sure``), 科技 only what is
common (``likely``), and a sole trader's name nothing at all (``unknown``): that is said, not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from xinqiao.kernel.document import parse
from xinqiao.kernel.text import Text
from xinqiao.strategy.terms import catalog_text

UNKNOWN = "unknown"
OTHER = "other"
Sureness = Literal["given", "sure", "likely", "unknown"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Industry(_Frozen):
    """A group and the words that tell it."""

    id: str
    name: Text
    sure: list[str] = []
    likely: list[str] = []


class Kind(_Frozen):
    """A kind of company (registered type) and the words that tell it."""

    id: str
    name: Text
    words: list[str]


class NameWords(_Frozen):
    """The catalog file ``industries/name_words.yaml``."""

    id: str
    industries: list[Industry]
    unknown: Text
    kinds: list[Kind]
    other: Text

    def industry_name(self, industry: str) -> Text:
        """The words for a group; a group not listed is shown as it was given."""
        known = {each.id: each.name for each in self.industries} | {UNKNOWN: self.unknown}
        return known.get(industry, Text(zh=industry, en=industry))

    def kind_name(self, kind: str) -> Text:
        """The words for a kind of company."""
        known = {each.id: each.name for each in self.kinds} | {OTHER: self.other}
        return known.get(kind, Text(zh=kind, en=kind))


@cache
def name_words() -> NameWords:
    """The words of the catalog."""
    text, origin = catalog_text("industries", "name_words")
    words, _ = parse(text, NameWords, origin)
    return words


@dataclass(frozen=True, slots=True)
class Told:
    """What a name tells."""

    industry: str
    sureness: Sureness
    kind: str


def told_by_name(name: str) -> Told:
    """Industry and kind by the catalog's words; the sure words of every group before the likely ones."""
    words = name_words()
    kind = next((k.id for k in words.kinds if any(w in name for w in k.words)), OTHER)
    for sureness in ("sure", "likely"):
        for industry in words.industries:
            if any(word in name for word in getattr(industry, sureness)):
                return Told(industry.id, sureness, kind)
    return Told(UNKNOWN, "unknown", kind)
