"""The JSON of a decision in pieces: all that no case changes is rendered once, when a policy is read.

Keys stand in the order of canonical JSON, so the joined pieces are canonical bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from string import Formatter
from typing import Any

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.text import Text
from xinqiao.policy.decision import SEVERITY, Effect, Reason
from xinqiao.policy.format import TypeName
from xinqiao.policy.logic import Given, exact
from xinqiao.policy.straight.statements import Causes
from xinqiao.policy.wording import number_words, show, show_number, spoken, with_causes

MOST_GAPS = 1024
"""Gaps of one check that are kept rendered: as many as its missing values have reasons."""

MOST_FLOATS = 1 << 16

Piece = bytes | tuple[str, int]
"""JSON text, or a place: a name and which of its (zh, en) words stand there."""

Say = Callable[[str], tuple[str, Text]]
"""Code and text of what is said about a gap, from its fault."""

Detail = Callable[[Causes, str], str]
"""The remark in the trace about a gap, from its causes and its fault."""

Gap = tuple[int, bytes, bytes]
"""What a gap leads to: the severity, the sentence, and the head of the step."""


def head(step_id: str, effect: str, detail: str, *, first: bool = False) -> bytes:
    """A step of the trace up to its inputs; the end of the step before included."""
    lead = b'{"detail":' if first else b'},{"detail":'
    return b"".join((lead, canonical_json(detail), head_after_detail(step_id, effect)))


def head_after_detail(step_id: str, effect: str) -> bytes:
    """The same without its first part."""
    return b',"effect":%b,"id":%b,"inputs":{' % (canonical_json(effect), canonical_json(step_id))


def tail(kind: str, name: Text) -> bytes:
    """A step from the end of its inputs up to its result."""
    return b'},"kind":%b,"name":%b,"result":' % (canonical_json(kind), _text(name))


def sentence(code: str, source: str, effect: str, text: Text) -> list[Piece]:
    """A reason or note; its text may have places."""
    start = b'{"code":%b,"effect":%b,"source":%b,"text":{"en":"'
    lead = start % (canonical_json(code), canonical_json(effect), canonical_json(source))
    return [lead, *_places(text.en, 1), b'","zh":"', *_places(text.zh, 0), b'"}}']


def _places(text: str, language: int) -> Iterator[Piece]:
    for literal, name, _, _ in Formatter().parse(text):
        yield canonical_json(literal)[1:-1]
        if name is not None:
            yield name, language


def _text(text: Text) -> bytes:
    return canonical_json({"zh": text.zh, "en": text.en})


class _Floats(dict[float, Any]):
    """What is made of floats, kept for those met of late: a company's values meet policy after policy."""

    def __init__(self, make: Callable[[float], Any]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, value: float) -> Any:  # noqa: ANN401 - text or number, by ``make``
        if len(self) >= MOST_FLOATS:
            self.clear()
        made = self[value] = self.make(value)
        return made


def float_text(value: float) -> str:
    """A finite float as its shortest decimal, without exponent."""
    text = repr(value)
    if text[-2:] == ".0":
        return text[:-2] if value else "0"
    return show_number(Decimal(text)) if "e" in text else text


FLOAT_JSON: Mapping[float, bytes] = _Floats(lambda value: f'"{float_text(value)}"'.encode())
"""A finite float -> its shortest decimal in quotes."""

FLOAT_EXACT: Mapping[float, Decimal] = _Floats(lambda value: Decimal(FLOAT_JSON[value][1:-1].decode()))
"""A finite float -> its shortest decimal."""


def value_json(value: Given) -> bytes:
    """Any value as a trace shows it."""
    return canonical_json(float_text(value) if isinstance(value, float) else show(value))


def words(value: Given, kind: TypeName) -> tuple[bytes, bytes]:
    """A value as a person reads it, zh and en, ready to stand in a JSON text."""
    if isinstance(value, float | Decimal):
        text = number_words(exact(value) if isinstance(value, float) else value, kind).encode()
        return text, text
    return _plain_words(value, kind)


@lru_cache(maxsize=1 << 10)
def _plain_words(value: str | bool | None, kind: TypeName) -> tuple[bytes, bytes]:  # noqa: FBT001 - a value, not a switch
    text = spoken(value, kind)
    return canonical_json(text.zh)[1:-1], canonical_json(text.en)[1:-1]


def gap_of(
    step_id: str,
    labels: Mapping[str, Text],
    if_missing: Mapping[str, Effect],
    say: Say,
    detail: Detail,
    *,
    first: bool = False,
    more: bytes = b"",
) -> Callable[..., Gap]:
    """What a check does about missing values: a function of their causes and a fault, kept by both.

    ``say`` gives code and text of the sentence, ``detail`` the remark in the trace, ``more`` what
    always follows the head of the step. The severest
    outcome written for any of the missing reasons counts.
    """

    @lru_cache(maxsize=MOST_GAPS)
    def gap(causes: Causes, fault: str = "") -> Gap:
        effects = [if_missing.get(why, if_missing["else"]) for _, why in causes]
        effect = max(effects, key=SEVERITY.__getitem__)
        code, text = say(fault)
        text = with_causes(text, [(labels[name], why) for name, why in causes if name])
        said = canonical_json(Reason(code, step_id, effect, text).as_json())
        return SEVERITY[effect], said, head(step_id, effect, detail(causes, fault), first=first) + more

    return gap
