"""Places at the head of names and addresses, read against the divisions that are and were.

A place is a set of code prefixes (33 a province, 3301 a prefecture, 330113 a county): many counties share
a name. Provinces, prefectures and county-level cities are known without their suffix too (杭州), other
counties only in full or behind the place they belong to, since 长安 or 金山 may be a trade word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from xinqiao.enterprise.division import divisions

LEAST_STEM = 2

_SUFFIXES = (
    "特别行政区", "壮族自治区", "回族自治区", "维吾尔自治区", "自治区", "自治州", "自治县", "自治旗",
    "地区", "盟", "省", "市", "区", "县", "旗",
)  # fmt: skip
_NAMELESS = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划", "市"})


@dataclass(frozen=True, slots=True)
class Place:
    """``codes``: prefixes of division codes it may be, empty for none; ``text``: as it was written.

    ``last``: the innermost place of it, if that was written without its suffix, else ""; ``around``: the
    prefixes without it.
    """

    codes: frozenset[str] = frozenset()
    text: str = ""
    last: str = ""
    around: frozenset[str] = frozenset()


def _prefix(code: str) -> str:
    """The digits of ``code`` that say something: 330000 is 33, 330100 is 3301."""
    return code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code


def _stem(name: str) -> str:
    return next((name.removesuffix(s) for s in _SUFFIXES if name.endswith(s)), name)


@cache
def _named() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Prefixes by full names and safe stems, and by the stems of counties."""
    sure: dict[str, set[str]] = {}
    county: dict[str, set[str]] = {}
    for code, names in divisions().items():
        prefix = _prefix(code)
        for name in (each.name for each in names if each.name not in _NAMELESS):
            sure.setdefault(name, set()).add(prefix)
            stem = _stem(name)
            if len(stem) >= LEAST_STEM and stem != name:
                safe = len(prefix) < len(code) or name.endswith("市")
                (sure if safe else county).setdefault(stem, set()).add(prefix)
    return {n: frozenset(c) for n, c in sure.items()}, {n: frozenset(c) for n, c in county.items()}


def compatible(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two places may be the same, or one lie in the other; a place not known fits any."""
    if not one or not other:
        return True
    return any(a.startswith(b) or b.startswith(a) for a in one for b in other)


def place_of(text: str) -> frozenset[str]:
    """The prefixes of a text that is a place and nothing else (杭州, 浙江省), else none."""
    place, rest = take_place(text)
    return place.codes if not rest else frozenset()


def take_place(text: str) -> tuple[Place, str]:
    """The places at the head of ``text``, one inside the other, and what follows them."""
    codes: frozenset[str] = frozenset()
    around, last, rest = codes, "", text
    while found := _longest(rest, codes):
        around, last = codes, rest[: found[0]]
        codes, rest = found[1], rest[found[0] :]
    bare = "" if last.endswith(_SUFFIXES) else last
    return Place(codes, text[: len(text) - len(rest)], bare, around), rest


def _longest(text: str, inside: frozenset[str]) -> tuple[int, frozenset[str]] | None:
    """Length and prefixes of the longest place at the head of ``text`` that lies within ``inside``."""
    for length in _lengths().get(text[:LEAST_STEM], ()):
        codes = _within(text[:length], inside)
        if codes:
            return length, codes
    return None


@cache
def _lengths() -> dict[str, tuple[int, ...]]:
    """How long places are that begin with two characters, the longest first."""
    found: dict[str, set[int]] = {}
    for names in _named():
        for name in names:
            found.setdefault(name[:LEAST_STEM], set()).add(len(name))
    return {head: tuple(sorted(lengths, reverse=True)) for head, lengths in found.items()}


@lru_cache(maxsize=65_536)
def _within(name: str, inside: frozenset[str]) -> frozenset[str]:
    """The places called ``name`` that lie within others; all of them if ``inside`` is empty."""
    sure, county = _named()
    codes = sure.get(name, frozenset())
    if not inside:
        return codes
    codes |= county.get(name, frozenset())
    return frozenset(c for c in codes for around in inside if c != around and c.startswith(around))
