"""The words of zen's expression language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from tests.peers.formula import NO, YES, Dialect
from xinqiao.policy.compiled import Policy


class Zen(Dialect):
    """The words of zen's expression language."""

    both, either = " and ", " or "

    def __init__(self, policy: Policy, *, told: bool) -> None:
        self.place = {name: i for i, name in enumerate(policy.kinds)}
        self.grades = policy.file.grades
        self.told = told
        self.made: dict[str, str] = {}
        """What the node being written makes, by key."""
        self.column = False
        """Whether names are written as ``$``, the value of the column a cell stands in."""

    def at(self, key: str) -> str:
        """A value by its key: ``$.key`` where the same node makes it."""
        return f"$.{key}" if key in self.made else key

    def name(self, name: str) -> str:
        return "$" if self.column else self.at(f"v{self.place[name]}")

    def reason(self, name: str) -> str:
        return f"w{self.place[name]}"

    def cause(self, name: str, atom: str) -> str:
        return self.at(f"c{self.place[name]}_{self.place[atom]}")

    def number(self, value: Decimal) -> str:
        return format(value, "f")

    def text(self, value: str) -> str:
        return json.dumps(value, ensure_ascii=False)

    def known(self, value: str) -> str:
        return f"{value} != null" if self.told and value != "$" else YES

    def compare(self, op: str, left: str, right: str, base: str) -> str:  # noqa: ARG002 - zen compares all alike
        return f"{left} {op} {right}"

    def member(self, value: str, items: Sequence[str]) -> str:
        return f"{value} in [{', '.join(items)}]"

    def arithmetic(self, op: str, left: str, right: str) -> str:
        return f"({left} {op} {right})"

    def negative(self, value: str) -> str:
        return f"(0 - {value})"

    def negate(self, condition: str) -> str:
        if condition.endswith(" != null") and " " not in condition.removesuffix(" != null"):
            return condition.replace(" != ", " == ")
        return f"not ({condition})"

    def choose(self, condition: str, then: str, other: str) -> str:
        return {YES: then, NO: other}.get(condition) or f"({condition} ? {then} : {other})"

    def greatest(self, values: Sequence[str]) -> str:
        return f"max([{', '.join(values)}])"

    def least(self, values: Sequence[str]) -> str:
        return f"min([{', '.join(values)}])"

    severest = greatest

    def rounded(self, value: str, step: str, mode: str) -> str:
        steps = f"{value} / {step}"
        match mode:
            case "down":
                whole = f"({steps} >= 0 ? floor({steps}) : ceil({steps}))"
            case "up":
                whole = f"({steps} >= 0 ? ceil({steps}) : floor({steps}))"
            case "half_up":
                whole = f"round({steps})"
            case _:
                down = f"floor({steps})"
                odd = f"({steps} - {down} > 0.5 or ({steps} - {down} == 0.5 and {down} % 2 != 0))"
                whole = f"({down} + ({odd} ? 1 : 0))"
        return f"({whole} * {step})"

    def rank(self, grade: str) -> str:
        places = "-1"
        for i, known in enumerate(self.grades):
            places = f"({grade} == {self.text(known)} ? {i} : {places})"
        return places
