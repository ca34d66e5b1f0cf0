"""Schedules that the tests of another servicer published: figures only, the files name the source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xinqiao.loan.replaying import replay_case

CASES: list[dict[str, Any]] = [
    case
    for name in ("published_cases.json", "published_repayments.json")
    for case in json.loads(Path(__file__).with_name(name).read_text())["cases"]
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_published_schedule_comes_out(case: dict[str, Any]) -> None:
    done = replay_case(case)
    assert (done.errors, done.differences) == ((), ())
