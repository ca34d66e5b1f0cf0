from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.indicator.snapshot import MISSING_SCHEMA, Snapshot
from xinqiao.kernel.errors import UserError
from xinqiao.portrait.radar import EVERYONE, dimensions, load, percentiles, radar

FILE = """
dimensions:
  size:
    name: {zh: 规模, en: size}
    kind: radar
    about: {zh: 规模, en: size}
    weights: {INV01: 3, INV05: 1}
"""


def _snapshot(**columns: list[float | None]) -> Snapshot:
    rows = len(next(iter(columns.values())))
    values = pa.table({"company_id": [f"F{i:03d}" for i in range(rows)], **columns})
    return Snapshot(values, MISSING_SCHEMA.empty_table(), date(2024, 12, 31))


def test_a_percentile_is_the_share_below_plus_half_of_those_equal() -> None:
    among = np.array([1.0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    np.testing.assert_allclose(
        percentiles(np.array([1.0, 9, 0, 10, np.nan]), among), [0.1, 0.95, 0, 1, np.nan]
    )
    assert np.isnan(percentiles(np.array([1.0]), among[:9])).all()


def test_a_score_is_the_weighted_mean_in_the_direction_of_each_indicator() -> None:
    """INV01: more is better (weight 3); INV05: more is worse (weight 1)."""
    n = 40
    snapshot = _snapshot(INV01=list(map(float, range(n))), INV05=list(map(float, range(n))))
    found = radar(snapshot, {}, load(FILE, "x.yaml"))
    p = (np.arange(n) + 0.5) / n
    np.testing.assert_allclose(found.scores["size"], 100 * (3 * p + (1 - p)) / 4)
    assert set(found.peers.values()) == {EVERYONE}


def test_peers_are_the_narrowest_group_that_is_large_enough() -> None:
    n = 100
    groups = {f"F{i:03d}": (("A|small", "A") if i < 29 else ("A|micro", "A")) for i in range(70)}
    found = radar(_snapshot(INV01=list(map(float, range(n))), INV05=[1.0] * n), groups, load(FILE, "x.yaml"))
    assert found.peers["F000"] == "A"  # 29 small ones are too few
    assert found.peers["F030"] == "A|micro"
    assert found.peers["F099"] == EVERYONE
    assert found.sizes == {"A": 70, "A|micro": 41, EVERYONE: 100}
    # F000 is the lowest of the 70 of its section, not of 29
    assert found.scores["size"]["F000"] == pytest.approx(100 * (3 * 0.5 / 70 + 0.5) / 4)


def test_too_little_known_gives_no_score() -> None:
    n = 40
    first: list[float | None] = [None, *map(float, range(n - 1))]
    found = radar(_snapshot(INV01=first, INV05=[1.0] * n), {}, load(FILE, "x.yaml"))
    assert np.isnan(found.scores["size"]["F000"])  # a quarter of the weight is known
    assert found.scores["size"].notna().sum() == n - 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=10, max_size=60), st.floats(0.1, 1e3))
def test_percentiles_depend_on_order_alone(values: list[float], factor: float) -> None:
    data = np.round(np.array(values), 3)
    found = percentiles(data, data)
    assert ((found > 0) & (found < 1)).all()
    np.testing.assert_array_equal(found, percentiles(np.round(data * 1000), np.round(data * 1000)))
    order = np.argsort(data, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    assert factor > 0


@pytest.mark.parametrize(
    ("weights", "code"),
    [("{INV99: 1}", "PRT-INDICATOR"), ("{INV14: 0}", "PRT-WEIGHT"), ("{INV18: 1}", "PRT-DIRECTION")],
)
def test_a_fault_is_told_with_its_line(weights: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        load(FILE.replace("{INV01: 3, INV05: 1}", weights), "x.yaml")
    assert caught.value.code == code
    assert caught.value.where == "x.yaml:7"


def test_the_shipped_radar_has_six_rays_and_three_strengths() -> None:
    kinds = [dimension.kind for dimension in dimensions().values()]
    assert (kinds.count("radar"), kinds.count("strength")) == (6, 3)


def test_an_empty_frame_is_no_fault() -> None:
    assert isinstance(radar(_snapshot(INV01=[], INV05=[]), {}, load(FILE, "x.yaml")).scores, pd.DataFrame)
