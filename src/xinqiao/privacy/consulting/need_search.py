"""Which kinds of record of the catalogue may answer a need told in plain words, Chinese or English.

A need is cut into terms (Chinese: pairs of characters, else words). A kind of record scores by the terms that
its names hold, each weighted by how few kinds hold it; nothing is read but the catalogue, so a search tells
nobody anything.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from xinqiao.kernel.text import Text
from xinqiao.source.contract import Contract, contracts
from xinqiao.source.holder import Source, sources

MOST = 12
NEED_AT_MOST = 200
"""Characters of a need."""
_PIECES = re.compile(r"[\u4e00-\u9fff]+|[a-z]{3,}")
_EMPTY = frozenset(
    {"and", "the", "for", "with", "that", "whether", "企业", "数据", "情况", "公司", "信息", "是否", "变化"}
)
"""Terms that tell nothing here."""


@dataclass(frozen=True, slots=True)
class Found:
    """A kind of record, the fields that match, and how well (larger is better)."""

    contract: Contract
    source: Source
    fields: tuple[Text, ...]
    score: float


def terms(text: str) -> frozenset[str]:
    """What a text is searched by."""
    found: set[str] = set()
    for piece in _PIECES.findall(text.lower()):
        if piece.isascii():
            found.add(piece.removesuffix("s"))
        else:
            found.update(piece[i : i + 2] for i in range(max(1, len(piece) - 1)))
    return frozenset(found - _EMPTY)


def search_need(need: str, most: int = MOST) -> list[Found]:
    """The kinds of record that match best, the best first; none for a need that says nothing."""
    asked = terms(need[:NEED_AT_MOST])
    rows = _index()
    known = Counter(term for _, of_contract in rows for term in of_contract)
    found = []
    for contract, of_contract in rows:
        hit = asked & of_contract
        if hit:
            score = sum(math.log(1 + len(rows) / known[term]) for term in hit)
            fields = tuple(
                f.name for f in contract.fields.values() if asked & terms(f"{f.name.zh} {f.name.en}")
            )
            found.append(Found(contract, sources()[contract.source], fields, score))
    return sorted(found, key=lambda one: (-one.score, one.contract.id))[:most]


@cache
def _index() -> tuple[tuple[Contract, frozenset[str]], ...]:
    return tuple((one, terms(_words(one))) for one in contracts().values())


def _words(contract: Contract) -> str:
    source = sources()[contract.source]
    texts = [contract.name, contract.grain, contract.holder, source.name, source.holder]
    texts += [field.name for field in contract.fields.values()]
    return " | ".join(f"{text.zh} {text.en}" for text in texts)
