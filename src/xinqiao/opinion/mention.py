"""What is said around each mention of a name: the words left and right of it, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from xinqiao.opinion.article import NAMED, OTHER, Reading
from xinqiao.opinion.ngrams import Floats

AROUND = 20  # characters left and right of a mention
MOST_MENTIONS = 6
FAR = 999.0  # characters, where no word of an event is in the text
COLUMNS = (
    "mentions",
    "mentions_alone",  # not inside a longer name
    "first_at",
    "in_title",
    "text_length",
    "names",
    "name_length",
    "longer_names",
    "shorter_names",
    "longer_in_text",
    "shorter_in_text",
    "word_distance",
    "words_near",
    "words",
    "is_company",
    "is_bank",
    "in_brackets",
    "other_mentions",
    "comes_first",
    "likeness",
)


@dataclass(frozen=True, slots=True)
class Mentions:
    """``left`` and ``right`` of all mentions of one name, and numbers in the order of ``COLUMNS``."""

    left: str
    right: str
    numbers: tuple[float, ...]


def mentions(reading: Reading, pattern: re.Pattern[str]) -> list[Mentions]:
    """One entry for each name of ``reading``; ``pattern`` finds the words of events."""
    found = {name: _places(reading.text, name) for name in reading.names}
    words = [m.start() for m in pattern.finditer(reading.text)]
    first = min((places[0] for places in found.values() if places), default=-1)
    return [_mentions(reading, name, found, words, first) for name in reading.names]


def _places(text: str, name: str) -> list[int]:
    places: list[int] = []
    start = text.find(name) if name else -1
    while start >= 0 and len(places) < 2 * MOST_MENTIONS:
        places.append(start)
        start = text.find(name, start + len(name))
    return places


def _mentions(
    reading: Reading, name: str, found: dict[str, list[int]], words: Sequence[int], first: int
) -> Mentions:
    text, places = reading.text, found[name]
    longer = [n for n in found if n != name and name in n]
    shorter = [n for n in found if n != name and n and n in name]
    inside = [(p, p + len(n)) for n in longer for p in found[n]]
    alone = [p for p in places if not any(a <= p and p + len(name) <= b for a, b in inside)]
    used = (alone or places)[:MOST_MENTIONS]
    masked = _masked(text, found, {name} if alone else {name, *longer})
    seen = _places(masked, NAMED)[:MOST_MENTIONS]
    left = [masked[max(0, p - AROUND) : p + 1] for p in seen]
    right = [masked[p : p + 1 + AROUND] for p in seen]
    numbers = (
        len(places),
        len(alone),
        used[0] / len(text) if used else np.nan,
        name in reading.title,
        len(text),
        len(found),
        len(name),
        len(longer),
        len(shorter),
        any(found[n] for n in longer),
        any(found[n] for n in shorter),
        min((abs(p - w) for p in used for w in words), default=FAR),
        sum(abs(used[0] - w) < 2 * AROUND for w in words) if used else 0,
        len(words),
        name.endswith("公司"),
        "银行" in name,
        "(" in name,
        sum(len(p) for n, p in found.items() if n != name),
        bool(used) and used[0] == first,
        max((_likeness(name, n) for n in found if n != name), default=0.0),
    )
    return Mentions("\n".join(left), "\n".join(right), tuple(float(n) for n in numbers))


def _masked(text: str, names: Collection[str], own: Collection[str]) -> str:
    """No name is left in the text: a mark for those of ``own``, another for all others."""
    for name in sorted(filter(None, names), key=lambda n: (-len(n), n)):
        text = text.replace(name, NAMED if name in own else OTHER)
    return text


def _likeness(a: str, b: str) -> float:
    """Share of the pairs of characters of ``a`` that ``b`` has too."""
    pairs = {a[i : i + 2] for i in range(len(a) - 1)}
    return sum(p in b for p in pairs) / len(pairs) if pairs else 0.0


def matrix(rows: Sequence[Mentions]) -> Floats:
    """The numbers of all ``rows``, (mentions, columns)."""
    return np.array([m.numbers for m in rows], dtype=np.float64).reshape(len(rows), len(COLUMNS))
