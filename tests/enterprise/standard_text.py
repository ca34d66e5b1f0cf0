"""The size standard once more, from the wording of its articles, written apart from the product's tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

# 工信部联企业〔2011〕300号 第四条：各项的大中型与中型、中型与小型、小型与微型之间的界限
ARTICLES = """
（一）农、林、牧、渔业。营业收入20000万元以下的为中小微型企业。其中，营业收入500万元及以上的为中型企业，营业收入50万元及以上的为小型企业，营业收入50万元以下的为微型企业。
（二）工业。从业人员1000人以下或营业收入40000万元以下的为中小微型企业。其中，从业人员300人及以上，且营业收入2000万元及以上的为中型企业；从业人员20人及以上，且营业收入300万元及以上的为小型企业；从业人员20人以下或营业收入300万元以下的为微型企业。
（三）建筑业。营业收入80000万元以下或资产总额80000万元以下的为中小微型企业。其中，营业收入6000万元及以上，且资产总额5000万元及以上的为中型企业；营业收入300万元及以上，且资产总额300万元及以上的为小型企业；营业收入300万元以下或资产总额300万元以下的为微型企业。
（四）批发业。从业人员200人以下或营业收入40000万元以下的为中小微型企业。其中，从业人员20人及以上，且营业收入5000万元及以上的为中型企业；从业人员5人及以上，且营业收入1000万元及以上的为小型企业；从业人员5人以下或营业收入1000万元以下的为微型企业。
（五）零售业。从业人员300人以下或营业收入20000万元以下的为中小微型企业。其中，从业人员50人及以上，且营业收入500万元及以上的为中型企业；从业人员10人及以上，且营业收入100万元及以上的为小型企业；从业人员10人以下或营业收入100万元以下的为微型企业。
（六）交通运输业。从业人员1000人以下或营业收入30000万元以下的为中小微型企业。其中，从业人员300人及以上，且营业收入3000万元及以上的为中型企业；从业人员20人及以上，且营业收入200万元及以上的为小型企业；从业人员20人以下或营业收入200万元以下的为微型企业。
（七）仓储业。从业人员200人以下或营业收入30000万元以下的为中小微型企业。其中，从业人员100人及以上，且营业收入1000万元及以上的为中型企业；从业人员20人及以上，且营业收入100万元及以上的为小型企业；从业人员20人以下或营业收入100万元以下的为微型企业。
（八）邮政业。从业人员1000人以下或营业收入30000万元以下的为中小微型企业。其中，从业人员300人及以上，且营业收入2000万元及以上的为中型企业；从业人员20人及以上，且营业收入100万元及以上的为小型企业；从业人员20人以下或营业收入100万元以下的为微型企业。
（九）住宿业。从业人员300人以下或营业收入10000万元以下的为中小微型企业。其中，从业人员100人及以上，且营业收入2000万元及以上的为中型企业；从业人员10人及以上，且营业收入100万元及以上的为小型企业；从业人员10人以下或营业收入100万元以下的为微型企业。
（十）餐饮业。从业人员300人以下或营业收入10000万元以下的为中小微型企业。其中，从业人员100人及以上，且营业收入2000万元及以上的为中型企业；从业人员10人及以上，且营业收入100万元及以上的为小型企业；从业人员10人以下或营业收入100万元以下的为微型企业。
（十一）信息传输业。从业人员2000人以下或营业收入100000万元以下的为中小微型企业。其中，从业人员100人及以上，且营业收入1000万元及以上的为中型企业；从业人员10人及以上，且营业收入100万元及以上的为小型企业；从业人员10人以下或营业收入100万元以下的为微型企业。
（十二）软件和信息技术服务业。从业人员300人以下或营业收入10000万元以下的为中小微型企业。其中，从业人员100人及以上，且营业收入1000万元及以上的为中型企业；从业人员10人及以上，且营业收入50万元及以上的为小型企业；从业人员10人以下或营业收入50万元以下的为微型企业。
（十三）房地产开发经营。营业收入200000万元以下或资产总额10000万元以下的为中小微型企业。其中，营业收入1000万元及以上，且资产总额5000万元及以上的为中型企业；营业收入100万元及以上，且资产总额2000万元及以上的为小型企业；营业收入100万元以下或资产总额2000万元以下的为微型企业。
（十四）物业管理。从业人员1000人以下或营业收入5000万元以下的为中小微型企业。其中，从业人员300人及以上，且营业收入1000万元及以上的为中型企业；从业人员100人及以上，且营业收入500万元及以上的为小型企业；从业人员100人以下或营业收入500万元以下的为微型企业。
（十五）租赁和商务服务业。从业人员300人以下或资产总额120000万元以下的为中小微型企业。其中，从业人员100人及以上，且资产总额8000万元及以上的为中型企业；从业人员10人及以上，且资产总额100万元及以上的为小型企业；从业人员10人以下或资产总额100万元以下的为微型企业。
（十六）其他未列明行业。从业人员300人以下的为中小微型企业。其中，从业人员100人及以上的为中型企业；从业人员10人及以上的为小型企业；从业人员10人以下的为微型企业。
"""

_WORDS = {"从业人员": "staff", "营业收入": "revenue_10k", "资产总额": "assets_10k"}
_BOUND = re.compile(r"(从业人员|营业收入|资产总额)(\d+)(?:人|万元)")


def _bounds(clause: str) -> dict[str, int]:
    return {_WORDS[word]: int(number) for word, number in _BOUND.findall(clause)}


def articles() -> list[dict[str, dict[str, int]]]:
    """Article -> large, medium, small -> indicator -> what a firm must reach."""
    found = []
    for line in ARTICLES.strip().splitlines():
        head, _, rest = line.partition("的为中小微型企业。其中，")
        medium, _, rest = rest.partition("的为中型企业")
        small = rest.partition("的为小型企业")[0]
        found.append({"large": _bounds(head), "medium": _bounds(medium), "small": _bounds(small)})
    return found


LADDERS = articles()


def article_of(digits: str) -> int | None:
    """The article (1..16) a four-digit class falls under, by 2017 办法 and its note; None: left out."""
    division, group = int(digits[:2]), int(digits[:3])
    ranges = [(1, 5, 1), (6, 46, 2), (47, 50, 3), (51, 51, 4), (52, 52, 5), (54, 58, 6), (60, 60, 8)]
    ranges += [
        (61, 61, 9),
        (62, 62, 10),
        (63, 64, 11),
        (65, 65, 12),
        (71, 72, 15),
        (73, 82, 16),
        (85, 90, 16),
    ]
    if division == 59:
        return 6 if group == 591 else 7
    if division == 70:
        return {701: 13, 702: 14, 703: 16, 709: 16}.get(group)
    return next((article for low, high, article in ranges if low <= division <= high), None)


def ladder(digits: str, given: Mapping[str, Decimal | None]) -> str:
    """Down the ladder: the first size all of whose conditions hold; what can't be told is unknown."""
    article = article_of(digits)
    if article is None:
        return "NOT_APPLICABLE"
    steps = LADDERS[article - 1]
    possible = {_down(steps, given, lacking) for lacking in (Decimal(0), Decimal(10) ** 15)}
    return possible.pop() if len(possible) == 1 else "UNKNOWN"


def _down(steps: dict[str, dict[str, int]], given: Mapping[str, Decimal | None], lacking: Decimal) -> str:
    """The size if everything missing were ``lacking``: nothing at all, or more than any bound."""
    for size, needed in steps.items():
        values = {name: given[name] for name in needed}
        if all((lacking if value is None else value) >= needed[name] for name, value in values.items()):
            return size
    return "micro"
