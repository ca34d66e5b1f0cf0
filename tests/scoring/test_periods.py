from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tests.scoring.conftest import SIGNS, Sample
from xinqiao.kernel.errors import UserError
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.metrics import stability_index
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.woe_binner import WOEBinner

YEARS, ROWS = (2021, 2022, 2023), 4000


def drifting() -> tuple[pd.DataFrame, Floats, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """``steady`` keeps its meaning; the upper half of ``flipping`` turns round; ``moving`` rises."""
    rng = np.random.default_rng(0)
    year = np.repeat(YEARS, ROWS)
    steady, flipping, moving = rng.uniform(size=(3, len(year)))
    turn = np.where(year == YEARS[1], -1.0, 1.0)
    odds = -1.0 - 2.0 * (steady > 0.5) - 1.5 * (flipping > 0.5)
    odds += 1.5 * turn * ((flipping > 0.75) - 0.5) * (flipping > 0.5) - 1.0 * moving
    bad = (rng.random(len(year)) < 1 / (1 + np.exp(-odds))).astype(float)
    moving = moving + 0.8 * (year - YEARS[0])
    return pd.DataFrame({"steady": steady, "flipping": flipping, "moving": moving}), bad, year


def test_bins_whose_order_flips_are_joined_and_others_stay() -> None:
    frame, bad, year = drifting()
    free, stable = WOEBinner().fit(frame, bad), WOEBinner().fit(frame, bad, period=year)
    assert free.variables_[0] == stable.variables_[0]
    assert len(stable.variables_[1].bins) < len(free.variables_[1].bins)
    assert "flips joined" in stable.stability_["flipping"]
    assert set(stable.stability_) == {"flipping", "moving"}
    assert max(stable.variables_[1].edges) <= 0.55  # nothing above can be told apart in every year


def test_what_stays_has_one_order_in_every_period() -> None:
    frame, bad, year = drifting()
    binner = WOEBinner().fit(frame[["flipping"]], bad, period=year)
    codes = binner.transform_codes(frame[["flipping"]])[:, 0]
    ranges = len(binner.variables_[0].edges) + 1
    rates = [[bad[(codes == k) & (year == y)].mean() for k in range(ranges)] for y in YEARS]
    assert ranges == 2
    assert all(a > b for row in rates for a, b in pairwise(row))


def test_bins_whose_share_drifts_are_joined_below_the_limit() -> None:
    frame, bad, year = drifting()
    binner = WOEBinner().fit(frame[["moving"]], bad, period=year)
    codes = binner.transform_codes(frame[["moving"]])[:, 0]
    counts = [np.bincount(codes[year == y], minlength=len(binner.variables_[0].bins)) for y in YEARS]
    assert max(stability_index(counts[0], c) for c in counts[1:]) <= 0.25


def test_the_card_says_what_was_joined_and_a_single_period_changes_nothing() -> None:
    frame, bad, year = drifting()
    card = Scorecard(penalties=(16.0,), trend=0.0).fit(frame, bad, period=year).card_
    assert "flips joined" in str(card.provenance.settings["stable flipping"])
    plain = Scorecard(penalties=(16.0,)).fit(frame, bad).card_
    assert Scorecard(penalties=(16.0,)).fit(frame, bad, period=np.ones(len(bad))).card_ == plain


def test_texts_are_joined_too_and_gaps_are_no_obstacle(sample: Sample) -> None:
    frame, bad = sample
    year = np.arange(len(bad)) % 2
    turned = np.where(frame["trade"] == "steel", year == 1, bad)
    binner = WOEBinner(signs=SIGNS).fit(frame, turned, period=year)
    assert [len(group) for group in binner.variables_[3].categories] == [3]


def test_a_period_of_another_length_is_refused(sample: Sample) -> None:
    frame, bad = sample
    with pytest.raises(UserError, match="SCR-SETTING"):
        WOEBinner().fit(frame, bad, period=[2020, 2021])
