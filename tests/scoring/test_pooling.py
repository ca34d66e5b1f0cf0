from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from tests.scoring.industries import SIGNS, firms
from xinqiao.scoring.columns import read_columns
from xinqiao.scoring.pooling import HELD_OUT, WAYS, Firms, Standing, pooled
from xinqiao.scoring.scorecard import Scorecard

ESTIMATOR = Scorecard(signs=SIGNS, penalties=(16.0,))
SOURCES = dict.fromkeys(SIGNS, "INV")


@pytest.fixture(scope="module")
def standings() -> dict[tuple[int, str], Standing]:
    frame, bad, truth = firms(9000)
    seen = Firms(read_columns(frame), bad, expit(truth))
    return {(s.rows, s.way): s for s in pooled(seen, ESTIMATOR, SOURCES, [300, 10**9], repeats=3)}


def test_every_way_stands_at_every_size(standings: dict[tuple[int, str], Standing]) -> None:
    room = round(9000 * (1 - HELD_OUT))
    assert list(standings) == [(rows, way) for rows in (300, room) for way in WAYS]


def test_overlays_collapse_when_thin_and_gain_when_not(standings: dict[tuple[int, str], Standing]) -> None:
    few, many = sorted({rows for rows, _ in standings})
    thin, thick = standings[few, "overlay"], standings[many, "overlay"]
    assert thin.overlays <= 3
    assert thin.auc_gain.mean > -0.01
    assert thick.overlays >= 5
    assert thick.auc_gain.low > 0
    assert thick.error_gain.mean < 0


def test_separate_cards_lose_to_overlays(standings: dict[tuple[int, str], Standing]) -> None:
    for rows in {rows for rows, _ in standings}:
        assert standings[rows, "separate"].auc.mean < standings[rows, "overlay"].auc.mean


def test_the_global_card_gains_nothing_over_itself(standings: dict[tuple[int, str], Standing]) -> None:
    for (_, way), s in standings.items():
        if way == "global":
            assert (s.auc_gain.mean, s.error_gain.mean, s.overlays) == (0, 0, 0)
        assert s.auc.low <= s.auc.mean <= s.auc.high


def test_industries_nobody_can_be_judged_in_give_no_number() -> None:
    frame, bad, _ = firms(400)
    frame["industry"] = None
    found = pooled(Firms(read_columns(frame), bad), ESTIMATOR, SOURCES, [10**9], repeats=1)
    assert all(np.isnan(s.auc.mean) for s in found)
