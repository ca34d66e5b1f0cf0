"""Lakes made from the contracts alone: every field by its type, with versions, gaps and late news."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta

from tests.indicator.lakes import Row, T, Tables
from xinqiao.kernel.period import month_end
from xinqiao.source.contract import Contract, Field, contracts

COMPANIES = [f"F{number:02}" for number in range(24)]
"""Enough firms of one industry to be compared with (20)."""
START = date(2021, 6, 1)
LAGS = [0, 0, 1, 10, 40, 400]

_FIRMS = {"company_id", "counterparty_id", "guaranteed_id"}
_TEXTS = ["示例路1号", "示例路 １ 号", "示例-F01", "示例 F01（分店）"]
_POOLS = {
    "industry_code": ["51", "F5164", "30", None],
    "division_code": ["110101", "440305"],
    "holder_id": [*COMPANIES[:6], "p", "q"],
    "counterparty": [*COMPANIES, "X"],
    "goods_code": ["0101", "0202", "0303"],
}


def generated(seed: int, rows: int = 40) -> Tables:
    """``rows`` rows of every contract; the same seed gives the same lake."""
    dice = random.Random(seed)  # noqa: S311 - test data, reproducible on purpose
    return {
        contract.id: [_row(contract, dice, early=number == 0) for number in range(rows)]
        for contract in contracts().values()
    }


def _row(contract: Contract, dice: random.Random, *, early: bool) -> Row:
    """A row; an ``early`` one is known long before T, so that no contract is left without any."""
    day = START if early else START + timedelta(days=dice.randrange((T - START).days + 60))
    if contract.event == "month":
        day = day.replace(day=1)
    if contract.event == "period_end":
        day = month_end(day)
    row = {name: _value(name, field, day, dice) for name, field in contract.fields.items()}
    return row | {
        contract.event: day,
        contract.known: day + timedelta(days=0 if early else dice.choice(LAGS)),
    }


def _value(name: str, field: Field, day: date, dice: random.Random) -> object:
    if not field.required and dice.random() < 0.15:
        return None
    if name in _FIRMS:
        return dice.choice(COMPANIES)
    if name in _POOLS:
        return dice.choice(_POOLS[name])
    if field.type == "int" and name.endswith("year"):
        return 2021 + dice.randrange(4)
    return _TYPES[field.type](field, day, dice)


_TYPES: dict[str, Callable[[Field, date, random.Random], object]] = {
    "id": lambda _, __, dice: str(dice.randrange(8)),
    "text": lambda _, __, dice: dice.choice(_TEXTS),
    "enum": lambda field, _, dice: dice.choice(field.values or []),
    "date": lambda _, day, dice: day + timedelta(days=dice.randrange(-200, 400)),
    "time": lambda _, __, dice: dice.choice(["03:00:00", "12:30:00", "22:00:00"]),
    "bool": lambda _, __, dice: dice.random() < 0.5,
    "int": lambda _, __, dice: dice.randrange(31),
    "money": lambda _, __, dice: dice.randrange(-5_000, 100_000),
    "ratio": lambda _, __, dice: dice.randrange(101) / 100,
}
"""A value of each type of field."""
