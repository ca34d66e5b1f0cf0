"""A generated register, and records of its firms (and of others) with the noise that sources have."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from xinqiao.enterprise.party import Party
from xinqiao.enterprise.uscc import make_uscc

CITIES = {
    "杭州": ("330106", "浙江省杭州市西湖区"), "宁波": ("330203", "浙江省宁波市海曙区"),
    "温州": ("330302", "浙江省温州市鹿城区"), "苏州": ("320508", "江苏省苏州市姑苏区"),
    "南京": ("320106", "江苏省南京市鼓楼区"), "无锡": ("320213", "江苏省无锡市梁溪区"),
    "合肥": ("340104", "安徽省合肥市蜀山区"), "福州": ("350102", "福建省福州市鼓楼区"),
    "厦门": ("350203", "福建省厦门市思明区"), "广州": ("440106", "广东省广州市天河区"),
    "深圳": ("440305", "广东省深圳市南山区"), "成都": ("510107", "四川省成都市武侯区"),
    "武汉": ("420106", "湖北省武汉市武昌区"), "长沙": ("430102", "湖南省长沙市芙蓉区"),
    "济南": ("370102", "山东省济南市历下区"), "青岛": ("370202", "山东省青岛市市南区"),
}  # fmt: skip
TRADE = list(
    "华兴盛泰恒丰源鑫宏达顺通瑞祥润康健安信诚德义仁和平中正大元亨利贞金银铭锦绣云海天星辰光明朗"
    "东方南北西远航飞腾跃进创新博雅文昌隆福禄寿喜庆嘉佳美优尚品良晶玉石林森木禾春秋"
)
BUSINESS = [
    "科技", "商贸", "贸易", "机械", "电子", "建材", "物流", "餐饮管理", "食品", "服饰", "电子商务",
    "信息技术", "装饰工程", "建筑工程", "企业管理咨询", "文化传媒", "生物科技", "新材料", "五金制品",
]  # fmt: skip
FORMS = ["有限公司"] * 12 + ["有限责任公司", "股份有限公司"]
ROADS = [
    "文三路",
    "人民路",
    "解放路",
    "建设大道",
    "新华街",
    "中山北路",
    "创业路",
    "科技大道",
    "滨江路",
    "长江路",
]
OCR = dict(zip("大天光元科商贸品末日明电材工", "太夫先无料商贺晶未曰朋由村土", strict=True))
DIGITS = "零一二三四五六七八九"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def make_register(firms: int, seed: int) -> list[Party]:
    """``firms`` different firms; one in twelve had another name, one in nine sits at an address of many."""
    draw = random.Random(seed)  # noqa: S311 - a reproducible sample, not a secret
    names: set[str] = set()
    found = []
    while len(found) < firms:
        city = draw.choice(list(CITIES))
        trade = "".join(draw.sample(TRADE, draw.choice([2, 2, 2, 3, 4])))
        business = draw.choice(BUSINESS)
        name = f"{city}{trade}{business}{draw.choice(FORMS)}"
        if name in names:
            continue
        names.add(name)
        number = draw.randrange(1, 40) if draw.random() < 1 / 9 else draw.randrange(40, 3000)
        former = (f"{city}{trade[0]}{draw.choice(TRADE)}{draw.choice(BUSINESS)}有限公司",)
        place = len(found)
        found.append(
            Party(
                id=f"F{place}",
                name=name,
                code=make_uscc("91", CITIES[city][0], f"MA{place:06d}"),
                former_names=former if draw.random() < 1 / 12 else (),
                address=f"{CITIES[city][1]}{draw.choice(ROADS)}{number}号{_room(draw)}",
                phone_hash=_hash(f"phone{place if draw.random() < 0.95 else place % 50}"),
                representative_hash=_hash(f"person{place if draw.random() < 0.9 else place // 3}"),
            )
        )
    return found


def _room(draw: random.Random) -> str:
    return f"{draw.randrange(1, 30)}幢{draw.randrange(100, 2000)}室"


def _numeral(number: int) -> str:
    return "".join(DIGITS[int(digit)] for digit in str(number))


def _widths(name: str) -> str:
    return name[:2] and f"{name.replace('有限', ' 有限')}".replace("(", "（").replace(")", "）")


def _at(text: str, place: int, char: str) -> str:
    return text[:place] + char + text[place + 1 :]


def clean(party: Party, draw: random.Random) -> Party:
    return replace(party, address=party.address[6:] if draw.random() < 0.3 else party.address)


def widths(party: Party, _: random.Random) -> Party:
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in party.address)
    return replace(party, name=_widths(party.name), address=wide, code=party.code.lower())


def no_city(party: Party, draw: random.Random) -> Party:
    return replace(party, name=party.name[2:], address=draw.choice([party.address, ""]))


def abbreviated(party: Party, draw: random.Random) -> Party:
    bare = party.name.replace("股份", "").replace("有限责任公司", "").replace("有限公司", "")
    business = next(word for word in sorted(BUSINESS, key=len, reverse=True) if bare.endswith(word))
    return replace(party, name=draw.choice([bare, bare.removesuffix(business) + business[:2]]))


def typo(party: Party, draw: random.Random) -> Party:
    place = draw.randrange(2, 4)
    return replace(party, name=_at(party.name, place, draw.choice(TRADE)), phone_hash="")


def swapped(party: Party, draw: random.Random) -> Party:
    place = draw.randrange(2, len(party.name) - 5)
    name = party.name[:place] + party.name[place + 1] + party.name[place] + party.name[place + 2 :]
    return replace(party, name=name)


def ocr(party: Party, draw: random.Random) -> Party:
    name = "".join(OCR.get(c, c) if draw.random() < 0.5 else c for c in party.name)
    return replace(party, name=name, representative_hash="")


def former(party: Party, draw: random.Random) -> Party:
    return replace(party, name=draw.choice(party.former_names or (party.name,)))


def numerals(party: Party, _: random.Random) -> Party:
    written = re.sub(r"\d+(?=号)", lambda found: _numeral(int(found.group())), party.address)
    return replace(party, address=written)


def code_typo(party: Party, draw: random.Random) -> Party:
    place = draw.randrange(8, 18)
    return replace(
        party, code=_at(party.code, place, draw.choice([c for c in "0123456789" if c != party.code[place]]))
    )


def sparse(party: Party, _: random.Random) -> Party:
    return replace(party, address="", phone_hash="", representative_hash="")


KINDS: dict[str, Callable[[Party, random.Random], Party]] = {
    "clean": clean, "widths": widths, "no_city": no_city, "abbreviated": abbreviated, "typo": typo,
    "swapped": swapped, "ocr": ocr, "former": former, "numerals": numerals, "sparse": sparse,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Noisy:
    """A record, the id of the firm it is of ("" for none of the register's) and what was done to it."""

    party: Party
    truth: str
    kind: str


def _stranger(party: Party, name: str, home: tuple[str, str], draw: random.Random) -> Party:
    """Another firm of that name, with nothing else in common."""
    key = draw.randrange(10**6)
    address = f"{home[1]}{draw.choice(ROADS)}{draw.randrange(40, 3000)}号{_room(draw)}"
    code = make_uscc("91", home[0], f"MB{key:06d}")
    return replace(
        party,
        name=name,
        code=code,
        address=address,
        phone_hash=_hash(f"p{key}"),
        representative_hash=_hash(f"r{key}"),
    )


def other_city(party: Party, draw: random.Random) -> Party:
    """A firm of the same name in another city."""
    city = draw.choice([c for c in CITIES if not party.name.startswith(c)])
    return _stranger(party, city + party.name[2:], CITIES[city], draw)


def wrong_code(party: Party, draw: random.Random) -> Party:
    """A firm from elsewhere under the code of one of the register's."""
    return replace(other_city(party, draw), code=party.code)


def next_door(party: Party, draw: random.Random) -> Party:
    """A firm whose name differs in one character, in the same city."""
    name = _at(party.name, draw.randrange(2, 4), draw.choice(TRADE))
    return _stranger(party, name, CITIES[party.name[:2]], draw)


def branch(party: Party, draw: random.Random) -> Party:
    """A branch: a registered body of its own."""
    code = make_uscc("91", party.code[2:8], f"MC{draw.randrange(10**6):06d}")
    return replace(party, name=f"{party.name}城西分公司", code=code)


def sibling(party: Party, draw: random.Random) -> Party:
    """Another firm of the same owner: the same people and premises, the name varied."""
    code = make_uscc("91", party.code[2:8], f"MD{draw.randrange(10**6):06d}")
    varied = _at(party.name, 3, draw.choice(TRADE))
    words = [word for word in sorted(BUSINESS, key=len, reverse=True) if word in party.name]
    other = party.name.replace(words[0], draw.choice(BUSINESS))
    return replace(party, name=draw.choice([varied, other]), code=code)


STRANGERS: dict[str, Callable[[Party, random.Random], Party]] = {
    "other_city": other_city, "wrong_code": wrong_code, "next_door": next_door, "branch": branch,
    "sibling": sibling,
}  # fmt: skip


def _worn(party: Party, draw: random.Random) -> Party:
    """What any source may lack, or have from another time."""
    if draw.random() < 0.3:
        party = replace(
            party, address=draw.choice(["", "", _stranger(party, "", CITIES[party.name[:2]], draw).address])
        )
    if draw.random() < 0.4:
        party = replace(party, phone_hash=draw.choice(["", "", _hash(f"new{draw.random()}")]))
    if draw.random() < 0.4:
        party = replace(party, representative_hash=draw.choice(["", "", _hash(f"new{draw.random()}")]))
    return party


def make_records(register: list[Party], count: int, seed: int, *, with_code: bool) -> list[Noisy]:
    """``count`` records: three in four of the register's firms, the others strangers that look like them."""
    draw = random.Random(seed)  # noqa: S311 - a reproducible sample, not a secret
    taken = {name for firm in register for name in (firm.name, *firm.former_names)}
    kinds = KINDS | ({"code_typo": code_typo} if with_code else {})
    found: list[Noisy] = []
    while len(found) < count:
        firm = draw.choice(register)
        kind = draw.choice(list(STRANGERS)) if draw.random() < 0.25 else draw.choice(list(kinds))
        party = STRANGERS[kind](firm, draw) if kind in STRANGERS else kinds[kind](_worn(firm, draw), draw)
        if kind in STRANGERS and party.name in taken:
            continue
        code = party.code if with_code else ""
        party = replace(party, id=f"R{len(found)}", former_names=(), code=code)
        found.append(Noisy(party, "" if kind in STRANGERS else firm.id, kind))
    return found
