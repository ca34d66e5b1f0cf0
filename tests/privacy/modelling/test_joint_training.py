"""Folds are alike at all members and tell who sees them nothing of an id."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tests.privacy.joint_data import DEALT
from tests.privacy.manifests import manifest
from tests.privacy.sample_models import PARAMS
from xinqiao.privacy.modelling import data_value, scorecard
from xinqiao.privacy.modelling.joint_training import folds_of
from xinqiao.privacy.modelling.parties import members
from xinqiao.privacy.modelling.scorecard import WIDTHS

TOLD = manifest("scorecard", DEALT, PARAMS)


def test_folds_are_alike_in_any_order_of_rows() -> None:
    keys = np.array([f"9131{n * 7919 % 1000:06d}" for n in range(200)])
    order = np.random.default_rng(1).permutation(200)
    one, other = (folds_of(TOLD, pa.table({"id": ids}), 5) for ids in (keys, keys[order]))
    assert (one[order] == other).all()
    assert set(one.tolist()) == set(range(5))
    assert np.bincount(one).min() > 20


def test_folds_tell_nothing_of_an_id() -> None:
    """Trap: folds by a hash of the id, shown to a third party, let it test who may be among the rows."""
    one, other = (folds_of(TOLD, pa.table({"id": [f"{a}{n:04d}" for n in range(200)]}), 5) for a in "ab")
    assert (one == other).all()


def test_widths_that_members_tell_each_other_are_told_of() -> None:
    for kind in (data_value.KIND, scorecard.KIND):
        learns = kind.learns(manifest(kind.name, DEALT, PARAMS))
        assert all(WIDTHS in learns[name] for name in members(TOLD)), kind.name
