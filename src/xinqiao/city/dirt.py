"""Faults as real deliveries have them, each counted, at most one in a row.

What must become of a row is part of the truth: ``kept`` (read as it stands), ``repaired``,
``flagged`` (kept with a mark) or ``quarantined``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from xinqiao.city.draw import Flags, Stream, stream
from xinqiao.city.invoices import Invoices

THOUSAND_CENTS = 1_000_00
FULL_WIDTH = str.maketrans("0123456789.-", "０１２３４５６７８９．－")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: where it strikes, how often among eligible rows, and what must become of the row.

    ``write`` gets the row as a dict of texts and returns the columns it changes; ``{side}`` in a
    heading stands for 购方 or 销方.
    """

    name: str
    outcome: str
    rate: float
    eligible: Callable[[Invoices], Flags]
    write: Callable[[dict[str, str], str], dict[str, str]]


def _any(rows: Invoices) -> Flags:
    return np.ones(len(rows), dtype=np.bool_)


def _thousands(rows: Invoices) -> Flags:
    out: Flags = np.abs(rows.amount) >= THOUSAND_CENTS
    return out


def _taxed_red(rows: Invoices) -> Flags:
    out: Flags = (rows.amount < 0) & (rows.tax < 0)
    return out


def _plain(rows: Invoices) -> Flags:
    out: Flags = (rows.amount > 0) & ~rows.void
    return out


def _void(rows: Invoices) -> Flags:
    return rows.void


def _grouped(text: str) -> str:
    whole, _, fraction = text.partition(".")
    return f"{int(whole):,}.{fraction}"


def _off_by(text: str) -> str:
    """A total 7.13 CNY too high: no sign of the tax can explain it (tax is never 3.565)."""
    cents = round(float(text) * 100) + 713
    return f"{cents // 100}.{cents % 100:02d}"


ZERO = {"金额": "0.00", "税额": "0.00", "价税合计": "0.00"}

KINDS: tuple[Kind, ...] = (
    Kind("blank_before_status", "repaired", 0.002, _void, lambda r, _: {"发票状态": " " + r["发票状态"]}),
    Kind("thousands_separator", "repaired", 0.0010, _thousands, lambda r, _: {"金额": _grouped(r["金额"])}),
    Kind(
        "full_width_digits", "repaired", 0.0005, _any, lambda r, _: {"金额": r["金额"].translate(FULL_WIDTH)}
    ),
    Kind("tax_sign_lost", "repaired", 0.01, _taxed_red, lambda r, _: {"税额": r["税额"].removeprefix("-")}),
    Kind(
        "total_is_not_sum", "quarantined", 0.0006, _plain, lambda r, _: {"价税合计": _off_by(r["价税合计"])}
    ),
    Kind("unknown_status", "quarantined", 0.0005, _any, lambda _, __: {"发票状态": "待确认"}),
    Kind(
        "impossible_date", "quarantined", 0.0004, _any, lambda r, _: {"开票日期": r["开票日期"][:5] + "02-30"}
    ),
    Kind(
        "counterparty_missing", "quarantined", 0.0004, _any, lambda _, s: {f"{s}代号": "", f"{s}登记代码": ""}
    ),
    Kind(
        "known_before_issue",
        "quarantined",
        0.0003,
        _any,
        lambda r, _: {"获知日期": _year_before(r["开票日期"])},
    ),
    Kind("zero_but_valid", "flagged", 0.0004, _plain, lambda _, __: dict(ZERO)),
    Kind("zero_and_void", "kept", 0.02, _void, lambda _, __: dict(ZERO)),
    Kind("number_used_twice", "kept", 0.0010, _any, lambda _, __: {"发票号码": "10000001"}),
)


def _year_before(day: str) -> str:
    return f"{int(day[:4]) - 1}-01-15"


def soil(
    frame: pl.DataFrame, rows: Invoices, side: str, seed: int, block: int
) -> tuple[pl.DataFrame, Counter[str]]:
    """Write faults into the texts of a block; also how many of each kind."""
    rng = stream(seed, Stream.DIRT, 2 * block + (side == "购方"))
    free = np.ones(len(rows), dtype=np.bool_)
    counts: Counter[str] = Counter()
    changes: dict[str, dict[int, str]] = {}
    for kind in KINDS:
        struck = np.flatnonzero((rng.random(len(rows)) < kind.rate) & kind.eligible(rows) & free)
        free[struck] = False
        counts[kind.name] += len(struck)
        for index in struck.tolist():
            for column, text in kind.write(frame.row(index, named=True), side).items():
                changes.setdefault(column, {})[index] = text
    fixed = [frame[column].scatter(list(cells), list(cells.values())) for column, cells in changes.items()]
    return frame.with_columns(fixed), counts
