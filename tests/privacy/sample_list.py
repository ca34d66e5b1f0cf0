"""Samples of the kinds about operators' lists."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tests.privacy.manifests import data, manifest
from tests.privacy.samples import Sample, draw, ids

OPERATORS = ("operator-a", "operator-b", "operator-c")
ROWS = 24
"""Each list is padded to this many rows."""


def _tables(asked: list[str]) -> dict[str, pa.Table]:
    random = draw(7)
    told = {}
    for number, name in enumerate(OPERATORS):
        keys = ids(4 * number, 4 * number + 16)
        told[name] = pa.table({"id": keys, "cards": pa.array(random.integers(1, 6, len(keys)), pa.int64())})
    return told | {"bank": pa.table({"id": pa.array(asked, pa.string())})}


def _list(asked: list[str]) -> Sample:
    parties: dict[str, Any] = {name: ("operator", data("cards", rows_at_most=ROWS)) for name in OPERATORS}
    parties |= {"bank": ("bank", data(rows_at_most=100)), "platform": "keeper"}
    params = {"list": "sims", "answer": "total", "count_at_most": 5, "quota": 100}
    told = manifest("operators_list", parties, params, purpose="anti_fraud")
    return Sample(told, _tables(asked))


def _query() -> Sample:
    parties: dict[str, Any] = dict.fromkeys(OPERATORS, "operator")
    parties |= {"bank": ("bank", data(rows_at_most=100))}
    params = {"list": "sims", "answer": "at_least", "threshold": 5}
    told = manifest("operators_query", parties, params, purpose="anti_fraud")
    return Sample(told, _tables(ids(0, 30)), before=(_list([]),))


SAMPLES = {"operators_list": _list(ids(0, 30)), "operators_query": _query()}
