"""Company names taken apart: place, trade word (字号), line of business, legal form, branch.

杭州华兴科技有限公司上城分公司 is 杭州 + 华兴 + 科技 + limited, branch 上城分公司.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from xinqiao.enterprise.place import place_of, take_place
from xinqiao.kernel.document import parse

MAX_CHARS = 200
"""Longer names are cut: no register takes one."""

_BRACKETS = str.maketrans("[{【〔〖「『<《", "(((((((((") | str.maketrans("]}】〕〗」』>》", ")))))))))")
_NOISE = re.compile(r"[\s,.·・•、。，'\"“”‘’\-_—–~/\\|*#&:;!?\u200b\ufeff]+")
_IN_BRACKETS = re.compile(r"\(([^()]*)\)")


class AddressParts(BaseModel):
    """Endings that addresses are taken apart by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    towns: tuple[str, ...]
    villages: tuple[str, ...]
    roads: tuple[str, ...]
    parks: tuple[str, ...]


class Parts(BaseModel):
    """``catalog/codes/name_parts.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    forms: dict[str, tuple[str, ...]]
    branches: tuple[str, ...]
    wide: tuple[str, ...]
    business: tuple[tuple[str, ...], ...]
    address: AddressParts


@cache
def parts() -> Parts:
    """The words that names and addresses are made of."""
    file = files("xinqiao").joinpath("catalog", "codes", "name_parts.yaml")
    return parse(file.read_text("utf-8"), Parts, file.name)[0]


def longest_first(words: tuple[str, ...]) -> str:
    """A pattern for any of ``words``, the longest that fits."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


@cache
def _forms() -> tuple[tuple[str, str], ...]:
    """Endings with their form, the longest first."""
    pairs = [(word, form) for form, words in parts().forms.items() for word in words]
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair[0])))


@cache
def _business() -> re.Pattern[str]:
    return re.compile(longest_first(tuple(word for line in parts().business for word in line)))


@cache
def _branch() -> re.Pattern[str]:
    """A whole name, and behind it what ends like a branch."""
    ends = longest_first(tuple(word for words in parts().forms.values() for word in words))
    return re.compile(rf"(.+?(?:{ends}))(.*(?:{longest_first(parts().branches)}))")


@dataclass(frozen=True, slots=True)
class CompanyName:
    """A name in its parts.

    ``plain``: the whole in one way of writing, to be equal by. ``places``: prefixes of division codes.
    ``form``: id of the legal form, "" for none. ``branch``: what names it as a branch, "" for none.
    """

    plain: str
    places: frozenset[str]
    trade: str
    business: str
    form: str
    branch: str

    @property
    def core(self) -> str:
        """Trade word and business: what is left when place, form and branch are set aside."""
        return self.trade + self.business


def plain_name(name: str) -> str:
    """One way of writing: half width, upper case, round brackets, no blanks or points."""
    narrow = unicodedata.normalize("NFKC", name[:MAX_CHARS]).upper().translate(_BRACKETS)
    return _NOISE.sub("", narrow)


@lru_cache(maxsize=65_536)
def company_name(name: str) -> CompanyName:
    """Take ``name`` apart; a part that isn't there is empty."""
    plain = plain_name(name)
    match = _branch().fullmatch(plain)
    whole, branch = (match.group(1), match.group(2)) if match else (plain, "")
    rest, form = _without_form(whole)
    place, rest = take_place(rest)
    places = place.codes
    if place.last and (
        not rest or _business().match(rest)
    ):  # 瑞安贸易: no place, or its name would lack a word
        places, rest = place.around, place.last + rest
    rest, inner = _without_brackets(rest)
    trade, business = _trade_and_business(rest)
    places = places or inner
    if not trade:  # nothing but a place, or brackets: what is written must do
        trade = whole
    return CompanyName(plain, places, trade, business, form, branch)


def _without_form(name: str) -> tuple[str, str]:
    """The name without its legal form, and the form."""
    found = ""
    for ending, form in _forms():
        written = f"({ending})" if name.endswith(f"({ending})") else ending
        if name.endswith(written) and len(name) > len(written):
            name, found = name.removesuffix(written), form
            break
    return name.removesuffix("集团"), found


def _without_brackets(name: str) -> tuple[str, frozenset[str]]:
    """The name without brackets that hold a place or 集团; other brackets stay as their content."""
    places: frozenset[str] = frozenset()
    for content in _IN_BRACKETS.findall(name):
        codes = place_of(content)
        places = places or codes
        drop = codes or content in parts().wide
        name = name.replace(f"({content})", "" if drop else content, 1)
    return name.replace("(", "").replace(")", ""), places


def _trade_and_business(rest: str) -> tuple[str, str]:
    """Cut where the first word of business begins; a trade word has at least one character."""
    match = _business().search(rest, 1)
    if match is None:
        return rest, ""
    return rest[: match.start()], rest[match.start() :]
