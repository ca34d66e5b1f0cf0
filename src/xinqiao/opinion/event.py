"""Kinds of negative event, by the words of ``catalog/opinion/events.yaml``."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.document import parse
from xinqiao.kernel.text import Text

OTHER_EVENT, NO_EVENT = "other", "none"
AROUND = 60  # characters around a mention, read before the whole article


class Event(BaseModel):
    """A kind of event; ``weight`` is what an article of it counts in the score, 0..1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text
    weight: float = Field(gt=0, le=1)
    grave: bool
    words: tuple[str, ...]


class Events(BaseModel):
    """All kinds of event, graver first where two are named equally often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: dict[str, Event]


@cache
def events() -> dict[str, Event]:
    """The kinds of event in the catalog."""
    file = files("xinqiao").joinpath("catalog", "opinion", "events.yaml")
    found, _ = parse(file.read_text("utf-8"), Events, file.name)
    return found.events


@cache
def _pattern() -> tuple[re.Pattern[str], dict[str, str]]:
    kind_of = {word: kind for kind, event in events().items() for word in event.words}
    longest = sorted(kind_of, key=lambda w: (-len(w), w))
    return re.compile("|".join(map(re.escape, longest))), kind_of


def words() -> list[str]:
    """The words of all events, sorted."""
    return sorted(_pattern()[1])


def event_of(text: str, name: str) -> str:
    """The kind of event most words near mentions of ``name`` name; else in the whole text; else other.

    ``text`` and ``name`` are normalised. Of kinds named equally often the graver is taken.
    """
    near, start = [], text.find(name) if name else -1
    while start >= 0:
        near.append(text[max(0, start - AROUND) : start + len(name) + AROUND])
        start = text.find(name, start + len(name) + AROUND)
    return _most("\n".join(near)) or _most(text) or OTHER_EVENT


def _most(text: str) -> str | None:
    pattern, kind_of = _pattern()
    count: dict[str, int] = {}
    for word in pattern.findall(text):
        count[kind_of[word]] = count.get(kind_of[word], 0) + 1
    kinds = [kind for kind in events() if kind in count]
    return max(kinds, key=count.__getitem__) if kinds else None  # the first of the greatest
