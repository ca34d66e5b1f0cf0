"""Samples of intersections, WOE and trees."""

from __future__ import annotations

import pyarrow as pa

from tests.privacy.joint_data import DEALT, PARTIES, tables
from tests.privacy.manifests import data, manifest
from tests.privacy.samples import Sample, draw, ids


def _intersection() -> Sample:
    random, told = draw(3), {}
    for name, (low, high) in {"bank": (0, 90), "tax": (30, 130), "power": (20, 100)}.items():
        keys = ids(low, high)
        random.shuffle(keys)
        told[name] = pa.table({"id": keys})
    parties = {name: ("holder", data(source="firms", rows_at_most=1000)) for name in told}
    return Sample(manifest("intersection", parties, {"result_to": ["bank"], "count": True}), told)


TREES = {"label": "bad", "trees": 3, "depth": 3, "bins": 8, "least": 10, "rate": 0.4}
SAMPLES = {
    "intersection": _intersection(),
    "woe": Sample(manifest("woe", PARTIES, {"label": "bad", "bins": 5, "least": 10}), tables(160)),
    "trees": Sample(manifest("trees", DEALT, TREES), tables(400)),
}
