"""Samples of the jobs that fit a joint scorecard."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.privacy.joint_data import DEALT, tables
from tests.privacy.manifests import manifest
from tests.privacy.samples import Sample
from xinqiao.privacy.job.kind import Result

CLOSE = 0.002
"""AUC and KS; points are within one, IV is exact."""


def close(plain: Mapping[str, Result], private: Mapping[str, Result]) -> None:
    """The same names everywhere; AUC within ``CLOSE``, KS near, points within one, all else equal."""
    assert set(plain) == set(private)
    for name, wanted in plain.items():
        found = private[name]
        assert set(found.told) == set(wanted.told), name
        for key, value in wanted.told.items():
            _near(key, value, found.told[key])


def _near(key: str, wanted: object, found: object) -> None:
    if key == "points":
        assert isinstance(wanted, dict)
        assert isinstance(found, dict)
        for column, bins in wanted.items():
            told = zip(bins, found[column], strict=True)
            assert all(a[:2] == b[:2] and abs(a[2] - b[2]) < 1 for a, b in told), column
    elif key.startswith(("auc", "ks", "base")):
        ours, theirs = (np.atleast_1d(np.array(x, np.float64)) for x in (wanted, found))
        most = {"auc": CLOSE, "ks_": 0.03, "bas": 1.0}[key[:3]]
        assert abs(ours[0] - theirs[0]) <= most, (key, wanted, found)
    else:
        assert wanted == found, key


PARAMS = {"label": "bad", "folds": 2, "steps": 60}
SAMPLES = {
    kind: Sample(manifest(kind, DEALT, PARAMS), tables(600), close) for kind in ("scorecard", "data_value")
}
