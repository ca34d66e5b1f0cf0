"""Where a case came out other than expected (算例比较)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any


def splits(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where a payment was for something other than expected."""
    return [
        told
        for number, event in enumerate(events, start=1)
        if "expect_split" in event
        for told in differences(event["expect_split"], event.get("actual_split"), f"event {number}")
    ]


def differences(expect: Any, actual: Any, where: str) -> list[str]:  # noqa: ANN401 - plain JSON
    """Where ``actual`` is not as ``expect`` says; what it says beyond that is not compared, but rows are."""
    if isinstance(expect, Mapping):
        if not isinstance(actual, Mapping):
            return [f"{where}: {expect} / {actual}"]
        told = [
            each
            for key, value in expect.items()
            for each in differences(value, actual.get(key), f"{where} {key}".strip())
        ]
        if "paid" in expect and "settled_on" in actual and "settled_on" not in expect:
            told.append(f"{where} settled_on: - / {actual['settled_on']}")
        return told
    if isinstance(expect, list):
        if not isinstance(actual, list) or len(actual) != len(expect):
            return [f"{where}: {len(expect)} / {len(actual) if isinstance(actual, list) else actual}"]
        return [
            each
            for number, pair in enumerate(zip(expect, actual, strict=True), start=1)
            for each in differences(*pair, f"{where} {number}")
        ]
    return [] if _same(expect, actual) else [f"{where}: {expect} / {actual}"]


def _same(expect: object, actual: object) -> bool:
    if expect == actual:
        return True
    try:
        return Decimal(str(expect)) == Decimal(str(actual))
    except ArithmeticError:
        return False
