"""The words of Java, as the rules of Drools are written in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from tests.peers.formula import NO, YES, Dialect
from xinqiao.policy.compiled import Policy

MODES = {"down": "DOWN", "up": "UP", "half_up": "HALF_UP", "half_even": "HALF_EVEN"}


class Java(Dialect):
    """Java over the fields of the fact ``q``; the static functions stand in ``Harness.java``."""

    both, either = " && ", " || "

    def __init__(self, policy: Policy) -> None:
        self.place = {name: i for i, name in enumerate(policy.kinds)}
        self.constants: dict[str, str] = {}

    def name(self, name: str) -> str:
        return f"q.v{self.place[name]}"

    def reason(self, name: str) -> str:
        return f"q.w{self.place[name]}"

    def cause(self, name: str, atom: str) -> str:
        return f"q.c{self.place[name]}_{self.place[atom]}"

    def number(self, value: Decimal) -> str:
        return self.constants.setdefault(str(value), f"K{len(self.constants)}")

    def text(self, value: str) -> str:
        return json.dumps(value)

    def known(self, value: str) -> str:
        return f"{value} != null"

    def compare(self, op: str, left: str, right: str, base: str) -> str:
        if base in ("number", "date"):
            return f"{left}.compareTo({right}) {op} 0"
        if base == "rank":
            return f"{left} {op} {right}"
        return f"{'' if op == '==' else '!'}java.util.Objects.equals({left}, {right})"

    def member(self, value: str, items: Sequence[str]) -> str:
        return f"in({value}, {', '.join(items)})"

    def arithmetic(self, op: str, left: str, right: str) -> str:
        word = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}[op]
        return f"{left}.{word}({right}, DIGITS)"

    def negative(self, value: str) -> str:
        return f"{value}.negate()"

    def negate(self, condition: str) -> str:
        return f"!({condition})"

    def choose(self, condition: str, then: str, other: str) -> str:
        return {YES: then, NO: other}.get(condition) or f"({condition} ? {then} : {other})"

    def greatest(self, values: Sequence[str]) -> str:
        return self._fold(values, "max")

    def least(self, values: Sequence[str]) -> str:
        return self._fold(values, "min")

    def _fold(self, values: Sequence[str], word: str) -> str:
        return values[0] + "".join(f".{word}({value})" for value in values[1:])

    def severest(self, values: Sequence[str]) -> str:
        return f"severest({', '.join(values)})"

    def rounded(self, value: str, step: str, mode: str) -> str:
        return f"round({value}, {step}, RoundingMode.{MODES[mode]})"

    def rank(self, grade: str) -> str:
        return f"rank({grade})"
