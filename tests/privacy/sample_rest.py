"""Samples of WOE and trees."""

from __future__ import annotations

from tests.privacy.joint_data import DEALT, tables
from tests.privacy.manifests import manifest
from tests.privacy.samples import Sample

TREES = {"label": "bad", "trees": 3, "depth": 3, "bins": 8, "least": 10, "rate": 0.4}
SAMPLES = {
    "woe": Sample(manifest("woe", DEALT, {"label": "bad", "bins": 5, "least": 10}), tables(160)),
    "trees": Sample(manifest("trees", DEALT, TREES), tables(400)),
}
