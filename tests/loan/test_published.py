"""Schedules that the tests of another servicer published: figures only, the file names the source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xinqiao.loan.replaying import replay_case

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("published_cases.json").read_text())[
    "cases"
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_published_schedule_comes_out(case: dict[str, Any]) -> None:
    done = replay_case(case)
    assert (done.errors, done.differences) == ((), ())
