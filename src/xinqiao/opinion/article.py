"""An article and the firms it may be about, and its text as the recogniser reads it.

Texts come from anywhere: their length, the number of names and odd characters are bounded here.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

RAW_CHARS = 20_000  # of a text, read; the rest is left out
MOST_CHARS = 3_000  # of the normalised text
MOST_NAMES = 40  # of one article, kept to by those who make articles
NAME_CHARS = 80
TITLE_SEEN = 60  # characters of a title that, when the text holds them, make it a repetition
NAMED, OTHER = "\ue000", "\ue001"  # stand for a firm's name, and another's, in masked text

_LINK = re.compile(r"https?://[\w./?=&%#-]+")
_NOISE = re.compile(r"\?{2,}|\{img:\d+\}")
_BLANK = re.compile(r"\s+")
_OURS = str.maketrans("", "", NAMED + OTHER)


@dataclass(frozen=True, slots=True)
class Article:
    """``names`` are the firms that may be concerned, at most 40; both texts as published."""

    title: str
    text: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """An article normalised: ``text`` begins with the title unless it repeats it."""

    title: str
    text: str
    names: tuple[str, ...]

    def masked(self) -> str:
        """The text with every name replaced by one mark, so that nothing is learned about a name."""
        text = self.text
        for name in sorted(set(self.names), key=lambda n: (-len(n), n)):
            if name:
                text = text.replace(name, NAMED)
        return text


def normalise(text: str) -> str:
    """Half width, lower case, links and runs of question marks left out, single blanks."""
    plain = unicodedata.normalize("NFKC", text[:RAW_CHARS].translate(_OURS)).lower()
    return _BLANK.sub(" ", _NOISE.sub(" ", _LINK.sub(" ", plain))).strip()


def read(article: Article) -> Reading:
    """``article`` as the recogniser reads it."""
    title, text = normalise(article.title), normalise(article.text)
    repeated = not title or title[:TITLE_SEEN] in text
    whole = text if repeated else f"{title} 。{text}"
    names = tuple(normalise(name[:NAME_CHARS]) for name in article.names)
    return Reading(title, whole[:MOST_CHARS], names)
