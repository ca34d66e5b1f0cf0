"""Red flags are raised by values, never by missing ones."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from xinqiao.indicator.flag import red_flags
from xinqiao.indicator.snapshot import MISSING_SCHEMA, Snapshot


def test_flags_of_values_and_of_two_indicators_together() -> None:
    # INV06 flags above .157; REG02 flags 0 with more than 10 million subscribed
    values = {
        "company_id": ["A", "B", "C"],
        "INV06": [0.158, 0.157, None],
        "REG02": [0.0, 0.0, None],
        "REG02C": [10_000_000.0, 10_000_001.0, None],
    }
    snapshot = Snapshot(pa.table(values), MISSING_SCHEMA.empty_table(), date(2024, 12, 31))
    assert red_flags(snapshot).to_pylist() == [
        {"company_id": "A", "indicator": "INV06"},
        {"company_id": "B", "indicator": "REG02"},
    ]


def test_a_flag_on_an_absent_indicator_is_left_out() -> None:
    values = {"company_id": ["A"], "REG02": [0.0]}
    snapshot = Snapshot(pa.table(values), MISSING_SCHEMA.empty_table(), date(2024, 12, 31))
    assert red_flags(snapshot).num_rows == 0
