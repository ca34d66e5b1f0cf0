"""Random policies and random cases: all forms of expressions and tables, values on their edges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import yaml
from hypothesis import strategies as st

from xinqiao.policy.compiled import Policy, compile_policy

GRADES = ["R1", "R2", "优", "D"]
WORDS = ["甲", "乙", "it's {odd}", 'a"b\\c\n']
CODES = ["NOT_GIVEN", "SOURCE_ABSENT", "NO_RECORDS", "别的'原因"]
NUMBERS = ["0", "1", "0.5", "-0.25", "3", "0.1", "100000", "9007199254740993", "0.30000000000000004", "12.5"]
EDGES = [0.0, 1.0, 0.5, -0.25, 3.0, 0.1, 1e5, 0.30000000000000004, 12.5, -0.0, 1e-7, 1e17, 2.0**53, 1e18]
DATES = ["2019-12-31", "2020-02-29", "2024-01-01"]

INPUTS: dict[str, dict[str, Any]] = {
    "比率": {"type": "ratio", "source": "indicator.I1"},
    "限比率": {"type": "ratio", "range": [0, 0.5], "source": "indicator.I2"},
    "整数": {"type": "integer", "source": "indicator.I3"},
    "年销售额": {"type": "money", "range": [-100, 1000000000], "source": "application.amount"},
    "values": {"type": "grade", "source": "score.grade"},
    "分类": {"type": "text", "values": WORDS, "source": "application.sector"},
    "文本": {"type": "text", "source": "application.note"},
    "why": {"type": "bool", "source": "indicator.I5"},
    "日期": {"type": "date", "source": "application.day"},
}


CELLS: dict[str, list[Any]] = {
    "比率": ["-", "< 0.5", ">= 0.1", "0.1..3", "(0..0.5)", "not 0.5", 0.1, "[0, 0.5]", "!= 1"],
    "values": ["-", "R1", "R1..优", "not R2", "[R1, D]", "!= D"],
    "分类": ["-", "甲", "[甲, 乙]", "not 甲"],
    "why": ["-", True, False],
    "日期": ["-", ">= 2020-02-29", "2019-12-31..2024-01-01"],
    "派生": ["-", "> 0", "[0.5..3)", "not 1"],
}


class Author:
    """Writes policies by chance; drawing them piece by piece takes a hundred times as long."""

    def __init__(self, seed: int, effects: Sequence[str]) -> None:
        self.chance = Random(seed)  # noqa: S311 - a test's dice
        self.pick = self.chance.choice
        self.effects = effects

    def number(self, names: Sequence[str], depth: int = 3) -> str:
        if depth == 0 or self.chance.random() < 0.4:
            return self.pick([*names, *names, *NUMBERS])
        a, b = self.number(names, depth - 1), self.number(names, depth - 1)
        forms = [f"({a} {self.pick('+-*/')} {b})"] * 3
        forms += [f"-{self.pick(names)}", f"({a}) ** {self.chance.randint(0, 3)}", f"abs({a})"]
        forms += [f"{self.pick(['min', 'max', 'round_down', 'round_half_up'])}({a}, {b})"]
        forms += [f"round_half_up({a}, 0.5)", f"({a} if {self.condition(names, depth - 1)} else {b})"]
        return self.pick(forms)

    def condition(self, names: Sequence[str], depth: int = 2) -> str:
        if depth and self.chance.random() < 0.5:
            a, b, c = (self.condition(names, depth - 1) for _ in range(3))
            return self.pick(
                [f"not ({a})", f"({a}) and ({b})", f"({a}) or ({b})", f"(({a}) if ({b}) else ({c}))"]
            )
        low = min(depth, 1)
        a, b, op = (
            self.number(names, low),
            self.number(names, low),
            self.pick(["==", "!=", "<", "<=", ">", ">="]),
        )
        side, grade, word = self.pick(names), self.pick(GRADES), self.pick(WORDS)
        return self.pick([
            f"{side} {op} {self.pick(NUMBERS)}", f"{side} {op} {a}", f"{a} < {side} <= {b}",
            f"{side} {self.pick(['in', 'not in'])} [{a}, {b}]", f"{side} in [0.1, 0.5, 3]",
            f"worse_than(values, {grade!r})", f"better_than({grade!r}, values)", f"values == {grade!r}",
            f"values not in [{grade!r}, 'D']", f"分类 in [{word!r}, '甲']", f"分类 != {word!r}",
            f"文本 == {word!r}",
            f"日期 {op} {self.pick(DATES)!r}", f"missing({self.pick([*INPUTS, *names])})",
            self.pick(["why", "why == True", "True", "False"]),
        ])  # fmt: skip

    def if_missing(self) -> object:
        if self.chance.random() < 0.5:
            return self.pick(self.effects)
        some = {self.pick([*CODES, "NOT_COMPUTABLE", "INVALID_VALUE"]): self.pick(self.effects) for _ in "ab"}
        return {**some, "else": self.pick(self.effects)}

    def table(self) -> dict[str, Any]:
        columns = self.chance.sample(list(CELLS), self.chance.randint(1, 3))
        row = range(self.chance.randint(1, 5))
        return {
            "id": self.pick(["t", "表'\n{x}"]),
            "name": {"zh": "表{0}", "en": 'table "{t}"'},
            "hit": self.pick(["first", "unique", "collect-max"]),
            "inputs": columns,
            "outputs": {name: {"name": {"zh": name, "en": name}, "type": "ratio"} for name in ("倍数", "a")},
            "if_missing": self.if_missing(),
            "rows": [
                [self.pick(CELLS[n]) for n in columns] + [self.pick([0, 0.5, 1, 2.5]) for _ in "ab"]
                for _ in row
            ],
        }

    def rule(self, names: Sequence[str], i: int) -> dict[str, Any]:
        place = self.pick([*INPUTS, *names])
        odd = self.pick(["", "{{", "}}'", '"\\', "\n", "“", "\u2028"])
        return {
            "id": f"A{i}" + self.pick(["", 'é"', "x{}"]),
            "name": {"zh": "规则{}'", "en": "rule"},
            "if": self.condition(names),
            "then": self.pick(["refer", "reject"]),
            "if_missing": self.if_missing(),
            "code": f"CODE_{i}",
            "reason": {"zh": f"因{odd}{{{place}}}", "en": f'{{{place}}} "why" {{{{{odd}'},
        }

    def policy(self) -> dict[str, Any]:
        plain = ["比率", "限比率", "整数"]
        names = [*plain, "派生", "倍数"]
        words = {"name": {"zh": "名“'", "en": 'in "x"'}}
        limit = self.pick(
            [
                "年销售额",
                "年销售额",
                "年销售额",
                "年销售额 * {}",
                "年销售额 / {}",
                "min(年销售额, 250000) * abs({})",
            ]
        )
        return {
            "id": "random",
            "version": "1",
            "name": {"zh": "随机", "en": "random"},
            "effective": {"from": date(2020, 1, 1)},
            "term_months": 12,
            "grades": GRADES,
            "inputs": {
                name: {**item, **words, "if_missing": self.if_missing()} for name, item in INPUTS.items()
            },
            "derive": {
                "派生": {**words, "type": "ratio", "expr": self.number(plain)},
                "派生2": {**words, "type": "ratio", "expr": self.number(names)},
            },
            "tables": [self.table()],
            "rules": [self.rule([*names, "派生2"], i) for i in range(self.chance.randint(1, 3))],
            "limit": {
                "expr": limit.format(self.number(names)),
                "min": 100000,
                "max": 1000000,
                "step": self.pick([10000, 100, 0.1, 25000]),
                "if_missing": self.pick(["refer", "reject"]),
                "below_min": self.pick(["refer", "reject"]),
            },
            "price": {
                "expr": self.pick(["0.05", "0.05", "0.12", self.number(names)]),
                "min": 0.04,
                "max": 0.15,
                "step": self.pick([0.0005, 0.01]),
                "rounding": self.pick(["down", "up", "half_up", "half_even"]),
                "if_missing": self.pick(["refer", "reject"]),
                "above_max": self.pick(["cap", "refer", "reject"]),
            },
        }


def policies(effects: Sequence[str] = (*["ignore"] * 6, "refer", "reject")) -> st.SearchStrategy[Policy]:
    """Policies that load; ``effects`` are what their ``if_missing`` may say."""

    def written(seed: int) -> Policy:
        data = Author(seed, effects).policy()
        return compile_policy(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), f"random {seed}")

    return st.integers(0, 2**32 - 1).map(written)


_FLOATS = st.sampled_from(EDGES) | st.floats(-1e7, 1e7, allow_nan=False) | st.floats(0, 1, allow_nan=False)
_NUMERIC: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    _FLOATS,
    _FLOATS,
    st.integers(-5, 40),
    st.sampled_from(
        [float("nan"), 10**15, 9007199254740993, Decimal("0.10"), Decimal("0.1000000000000000055")]
    ),
    st.sampled_from([np.float64(0.5), np.int64(3), Decimal("NaN"), Decimal("1E+2"), Decimal("0.5")]),
)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "ratio": _NUMERIC,
    "integer": _NUMERIC,
    "money": _NUMERIC
    | st.integers(100_000, 9_000_000).map(float)
    | st.floats(1e5, 1e7).map(lambda x: round(x, 2))
    | st.integers(100_000, 9_000_000),
    "grade": st.none() | st.sampled_from([*GRADES, "Z"]),
    "text": st.none() | st.sampled_from(WORDS) | st.text(max_size=4).filter(str.isprintable),
    "bool": st.sampled_from([None, True, False, 0.0, 1.0, 1, 0, 2.0, float("nan")]),
    "date": st.sampled_from([None, *DATES, "2020-03-01"]),
}


def cases() -> st.SearchStrategy[dict[str, Any]]:
    """Plain values of the inputs of a random policy."""
    given = {name: _VALUES[item["type"]] for name, item in INPUTS.items()}
    return st.fixed_dictionaries(given) | st.fixed_dictionaries({}, optional=given)


def missing_reasons() -> st.SearchStrategy[dict[str, str]]:
    """Reason codes for some inputs, whether they are missing or not."""
    return st.dictionaries(st.sampled_from(list(INPUTS)), st.sampled_from(CODES))
