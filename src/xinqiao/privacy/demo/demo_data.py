"""Generated data of seven parties for the demo: firms at three of them, SIM cards at three operators.

Nothing of it is real: codes begin with division 99, which does not exist, and all numbers are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xinqiao.enterprise.uscc import make_uscc
from xinqiao.kernel.text import Text

PARTIES: dict[str, Text] = {
    "bank": Text(zh="示范银行", en="demo bank"),
    "tax": Text(zh="示范税务局", en="demo tax bureau"),
    "power": Text(zh="示范电力公司", en="demo power company"),
    "operator-a": Text(zh="示范运营商甲", en="demo operator A"),
    "operator-b": Text(zh="示范运营商乙", en="demo operator B"),
    "operator-c": Text(zh="示范运营商丙", en="demo operator C"),
    "platform": Text(zh="示范平台（第三节点，无数据）", en="demo platform, the third node, without data"),
}
OPERATORS = ("operator-a", "operator-b", "operator-c")
PEOPLE = 120
OWED = 0.15
"""Share of firms that owe taxes."""


@dataclass(frozen=True, slots=True)
class Given:
    """A source of a party: its rows and the contract types of its columns."""

    rows: pa.Table
    fields: dict[str, str]


def generate(firms: int, seed: int) -> dict[str, dict[str, Given]]:
    """Each party's sources by name. ``firms``: how many the bank, the bureau and the company draw from."""
    draw = np.random.default_rng(seed)
    told: dict[str, dict[str, Given]] = {name: {} for name in PARTIES}
    _firms(told, firms, draw)
    people = [f"990101{19700101 + n:08d}{n % 1000:03d}X" for n in range(PEOPLE)]
    told["bank"]["applicants"] = Given(pa.table({"person": people[: PEOPLE // 2]}), {"person": "id"})
    for number, name in enumerate(OPERATORS):
        held = draw.permutation(PEOPLE)[: PEOPLE // 2]
        cards = draw.integers(1, 6, len(held))
        table = pa.table({"person": [people[n] for n in held], "cards": cards})
        told[name]["cards"] = Given(table, {"person": "id", "cards": "int"})
        told[name]["plans"] = _plans(400 + 200 * number, draw)
    return told


def _firms(told: dict[str, dict[str, Given]], firms: int, draw: np.random.Generator) -> None:
    turnover, paid, late, used = draw.normal(size=(4, firms)).round(3)
    odds = -0.8 - 0.7 * turnover - 1.1 * paid + 0.9 * (late > 0) - 0.8 * used
    bad = (draw.random(firms) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    codes = np.array([make_uscc("91", "990101", f"MA9D{n:04d}") for n in range(firms)])
    sums = draw.integers(1_000, 900_000, (2, firms))
    columns: dict[str, dict[str, np.ndarray]] = {
        "bank": {"bad": bad, "turnover": turnover},
        "tax": {"paid": paid, "late": late, "amount": sums[0]},
        "power": {"used": used, "amount": sums[1]},
    }
    kinds = {"bad": "int", "amount": "int"}
    for name, own in columns.items():
        order = draw.permutation(firms)[: firms * 9 // 10]
        table = pa.table({"firm": codes[order], **{k: v[order] for k, v in own.items()}})
        told[name]["firms"] = Given(table, {"firm": "id"} | {k: kinds.get(k, "ratio") for k in own})
    owing = np.flatnonzero(draw.random(firms) < OWED)
    table = pa.table({"firm": codes[owing], "amount": sums[0][owing]})
    told["tax"]["arrears"] = Given(table, {"firm": "id", "amount": "int"})
    asked = pa.table({"firm": codes[draw.permutation(firms)[:20]]})
    told["bank"]["asked"] = Given(asked, {"firm": "id"})


def _plans(rows: int, draw: np.random.Generator) -> Given:
    """Instalment plans for telephones: the same features at every operator, other customers."""
    income, overdue = draw.normal(0, 1, rows), draw.poisson(2, rows).astype(np.float64)
    bad = (draw.random(rows) < 1 / (1 + np.exp(1.5 + income - 0.4 * overdue))).astype(np.int64)
    return Given(
        pa.table({"bad": bad, "income": income, "overdue": overdue}),
        {"bad": "int", "income": "ratio", "overdue": "ratio"},
    )
