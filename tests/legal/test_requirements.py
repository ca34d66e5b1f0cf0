"""docs/legal.md and the tests here say the same: what is met has a test of its id, what is left none."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "legal.md"
ROWS = 66


def rows() -> dict[str, str]:
    """State by id, in the table's order."""
    text = TABLE.read_text("utf-8")
    found = re.findall(r"^\| ([A-Z][0-9]{2}) \| .+ \| (met|left) \| .+ \|$", text, re.MULTILINE)
    assert len(found) == len({row for row, _ in found})
    return dict(found)


def named() -> set[str]:
    """Ids that a test of this folder is named by."""
    text = "\n".join(p.read_text("utf-8") for p in HERE.glob("test_*.py"))
    return set(re.findall(r"^def test_([A-Z][0-9]{2})_", text, re.MULTILINE))


def test_every_requirement_has_its_row() -> None:
    counts = {"Z": 15, "B": 17, "P": 9, "D": 2, "T": 5, "L": 14, "C": 4}
    expected = {f"{letter}{n:02}" for letter, count in counts.items() for n in range(1, count + 1)}
    assert set(rows()) == expected
    assert len(rows()) == ROWS


def test_what_is_met_is_tested_and_what_is_left_is_not() -> None:
    assert {row for row, state in rows().items() if state == "met"} == named()
