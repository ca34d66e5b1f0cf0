"""Chinese addresses taken apart, whichever way they were written: 文三路 391 号 is 文三路三百九十一号."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from xinqiao.enterprise.name import longest_first, parts
from xinqiao.enterprise.place import take_place

MAX_CHARS = 300

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_NUMERAL = re.compile(r"[零〇一二两三四五六七八九十百千]+(?=号|栋|幢|楼|层|室|单元|座|组|队|弄|房)")
_BLANKS = re.compile(r"[\s,、。;:()]+")
_NUMBER = re.compile(r"0*(\d+(?:-\d+)?)(?:号(?!楼|院|房)|弄)")
_BUILDING = re.compile(r"([A-Z]|\d+)(?:号楼|幢|栋|座)")
_UNIT = re.compile(r"(\d+)单元")
_FLOOR = re.compile(r"(\d+)(?:层|楼|F)")
_ROOM = re.compile(r"([A-Z]?\d+(?:-\d+)*[A-Z]?)(?:室|房|号房)|(?<=[楼层幢栋座元])([A-Z]?\d+(?:-\d+)*[A-Z]?)$")


@dataclass(frozen=True, slots=True)
class Address:
    """An address in its parts, "" where one isn't there; ``places`` as in ``place``.

    ``park``: an industrial park, incubator or office block, where many firms have the same address.
    """

    plain: str
    places: frozenset[str]
    town: str
    village: str
    park: str
    road: str
    number: str
    building: str
    unit: str
    floor: str
    room: str

    @property
    def spot(self) -> str:
        """The smallest place out of doors that can be compared: road and number, or what stands for them."""
        at = self.road or self.park or self.village
        return f"{at}{self.number or self.building}" if at and (self.number or self.building) else ""


def numeral(text: str) -> int:
    """The value of a Chinese numeral: 三百九十一 is 391, 一〇二 is 102, 十二 is 12."""
    if not any(char in _TENS for char in text):
        return int("".join(str(_DIGITS[char]) for char in text))
    total, held = 0, 0
    for char in text:
        if char in _TENS:
            total, held = total + (held or 1) * _TENS[char], 0
        else:
            held = _DIGITS[char]
    return total + held


def plain_address(text: str) -> str:
    """One way of writing: half width, upper case, Arabic digits before 号, 幢, 室 and the like, no blanks."""
    narrow = unicodedata.normalize("NFKC", text[:MAX_CHARS]).upper().replace("#", "号")
    dashed = re.sub(r"[‐‑–—－~～至]", "-", narrow)
    return _NUMERAL.sub(lambda match: str(numeral(match.group())), _BLANKS.sub("", dashed))


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    words = parts().address
    body, roads = r"[^\d号]", longest_first(words.roads)
    return {
        "town": re.compile(rf"({body}{{1,8}}?(?:{longest_first(words.towns)}))"),
        "village": re.compile(rf"({body}{{1,10}}?(?:{longest_first(words.villages)}))(?!{roads})"),
        "park": re.compile(rf"([^号]{{1,20}}?(?:{longest_first(words.parks)}))"),
        "before road": re.compile(
            rf".*(?:{longest_first(tuple(w for w in words.parks if len(w) > 1))})(?:[东西南北中]区)?(?=..)"
        ),
        "road": re.compile(rf"({body}{{1,12}}?(?:{roads}))(?=\d|$|[^区县镇])"),
    }


@lru_cache(maxsize=65_536)
def address(text: str) -> Address:
    """Take ``text`` apart; a part that isn't there is empty."""
    plain = plain_address(text)
    place, rest = take_place(plain)
    found: dict[str, str] = {}
    for part in ("town", "village", "road", "park"):
        match = _patterns()[part].match(rest)
        found[part] = match.group(1) if match else ""
        rest = rest[match.end(1) :] if match else rest
        if part == "road":
            found[part] = _patterns()["before road"].sub("", found[part])
        number = _NUMBER.match(rest) if part == "road" and match else None
        if number is not None:  # a park may follow the number of the road
            found["number"], rest = number.group(1), rest[number.end() :]
    return Address(
        plain=plain,
        places=place.codes,
        town=found["town"],
        village=found["village"],
        park=found["park"],
        road=found["road"],
        number=found.get("number") or _first(_NUMBER, rest),
        building=_first(_BUILDING, rest),
        unit=_first(_UNIT, rest),
        floor=_first(_FLOOR, rest),
        room=_first(_ROOM, rest),
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return next(filter(None, match.groups()), "") if match else ""
