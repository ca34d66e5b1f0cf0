"""Signals are data: what speaks, what nobody can tell, and how levels add up."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from typing import Any

import pytest

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.errors import UserError
from xinqiao.monitoring.signal import LEVELS, OWN, load, signals, spoken, table, wanted

DAY = date(2026, 3, 31)
NOBODY: dict[str, frozenset[str] | None] = {}


def said(figures: dict[str, float | None], leads: dict[str, Any] | None = None) -> tuple[str, ...]:
    return spoken(table([{"company_id": "A", **figures}]), DAY, NOBODY if leads is None else leads)[
        "A"
    ].spoken


def text() -> str:
    return files("xinqiao").joinpath("catalog", "monitoring", "signals.yaml").read_text("utf-8")


def test_the_catalog_has_signals_of_every_group_and_level_in_both_languages() -> None:
    found = signals()
    assert {s.group for s in found.signals.values()} == set(found.groups)
    assert {s.level for s in found.signals.values()} == set(LEVELS)
    assert len(found.signals) >= 40
    assert set(wanted()) <= set(indicators())
    assert all(s.name.zh and s.name.en and s.about.zh and s.about.en for s in found.signals.values())


def test_a_signal_speaks_is_silent_or_is_unknown() -> None:
    found = spoken(table([{"company_id": "A", "INV03": 0.4, "INV02": -0.2, "ELE06Y": 0.1}]), DAY, NOBODY)["A"]
    assert "W101" in found.spoken
    assert "W103" not in found.spoken
    assert "W103" not in found.unknown
    assert "W201" in found.unknown
    assert not set(found.spoken) & set(found.unknown)


def test_a_change_is_told_only_where_it_was_known_before() -> None:
    assert "W401" in said({"JUD05": 2.0, "JUD05_3m": 1.0})
    assert "W401" not in said({"JUD05": 2.0, "JUD05_3m": 2.0})
    unknown = spoken(table([{"company_id": "A", "JUD05": 2.0}]), DAY, NOBODY)["A"].unknown
    assert "W401" in unknown


def test_the_own_book_speaks_without_any_indicator() -> None:
    found = said({"own_days_past_due": 31.0, "own_late_months_6m": 2.0})
    assert {"W506", "W507", "W508"} <= set(found)


def test_fraud_rules_speak_where_they_may_be_read() -> None:
    rows = table([{"company_id": key, "INV03": 1.0} for key in "ABC"])
    found = spoken(rows, DAY, {"A": frozenset({"FB04", "FI05"}), "B": None})
    assert {"W701", "W702"} <= set(found["A"].spoken)
    assert "W701" in found["B"].unknown
    assert "W701" not in found["C"].unknown
    assert "W701" not in found["C"].spoken


def test_the_level_is_that_of_the_sum_of_weights() -> None:
    known = signals()
    yellow = [s.id for s in known.signals.values() if s.level == "yellow"]
    orange = [s.id for s in known.signals.values() if s.level == "orange"]
    assert known.level([]) is None
    assert known.level(yellow[:1]) == "yellow"
    assert known.level(yellow[:2]) == "orange"
    assert known.level(orange[:2]) == "red"
    assert known.level(["W507"]) == "red"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("expr: INV03 < 0.6 and INV02 < 0", "expr: INV99 < 0.6"),
        ("expr: INV03 < 0.6 and INV02 < 0", "expr: INV03 < 0.6\n    lead: FB04"),
        ("lead: FB04", "lead: FX99"),
        (
            "    group: operations\n    level: orange\n    expr: INV03",
            "    group: nothing\n    level: orange\n    expr: INV03",
        ),
        ("levels: {yellow: 1, orange: 2, red: 4}", "levels: {yellow: 1, orange: 2}"),
    ],
)
def test_a_fault_is_named_with_its_line(before: str, after: str) -> None:
    broken = text().replace(before, after, 1)
    assert broken != text()
    with pytest.raises(UserError, match=r"MON-SIGNAL.*signals\.yaml:\d+"):
        load(broken, "signals.yaml")


def test_what_the_own_book_tells_is_not_taken_for_an_indicator() -> None:
    assert not set(OWN) & set(indicators())
