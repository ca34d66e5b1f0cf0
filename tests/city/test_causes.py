"""Factors, contagion, hazard and chains: the causes behind all files."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from xinqiao.city.contagion import FADES, MOST, Channels
from xinqiao.city.factors import EPIDEMIC, LEAN, RHO, demand, spread
from xinqiao.city.hazard import HORIZON
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.scene import Scene, draw_scene


@pytest.fixture(scope="module")
def large() -> Scene:
    return draw_scene(12_000, 48, date(2022, 1, 1), 3)


def test_factors_are_the_process_stated(large: Scene) -> None:
    governance = large.fate.governance
    assert np.std(governance[:, 30]) == pytest.approx(1.0, abs=0.03)
    assert np.corrcoef(governance[:, 30], governance[:, 31])[0, 1] == pytest.approx(RHO, abs=0.005)
    calm = large.fate.operations[:, 5]
    assert np.corrcoef(calm, large.fate.liquidity[:, 5])[0, 1] == pytest.approx(LEAN[0], abs=0.04)


def test_the_spread_of_a_sum_is_that_of_the_factors(large: Scene) -> None:
    fate, month = large.fate, 5  # before any default and the epidemic
    total = 2 * fate.operations[:, month] - fate.liquidity[:, month] + 0.5 * fate.governance[:, month]
    assert np.std(total) == pytest.approx(spread(2, -1, 0.5), rel=0.03)


def test_the_epidemic_strikes_industries_differently_and_passes() -> None:
    course = dict(zip((industry.code for industry in INDUSTRIES), demand(48), strict=True))
    assert course["H62"][EPIDEMIC[0]] < course["F52"][EPIDEMIC[0]] < 0 < course["I65"][EPIDEMIC[0]]
    assert not course["H62"][: EPIDEMIC[0]].any()
    assert not course["H62"][EPIDEMIC[-1] + 3 :].any()


def test_a_blow_reaches_whom_it_strikes_and_fades() -> None:
    channels = Channels(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([0.5, 1.0, 0.25]))
    default_month = np.array([10, 99, 99])
    assert channels.blow(np.array([1.0, 0.0, 0.0])).tolist() == [0, 0.5, 1.0]
    assert channels.stress(default_month, 10).tolist() == [0, 0, 0]
    assert channels.stress(default_month, 11).tolist() == [0, 0.5, 1.0]
    assert channels.stress(default_month, 13) == pytest.approx([0, 0.5 * FADES**2, FADES**2])
    many = Channels(np.arange(5), np.full(5, 5), np.ones(5))
    assert many.stress(np.array([1] * 5 + [99]), 2)[5] == MOST


def test_those_struck_by_failed_neighbours_fail_more_often(large: Scene) -> None:
    month = 35
    stress = large.fate.channels.stress(large.fate.default_month, month + 1)
    alive = large.fate.default_month > month
    fails = large.fate.default_month <= month + HORIZON
    assert fails[alive & (stress > 0.5)].mean() > 1.5 * fails[alive & (stress == 0)].mean()


def test_nobody_fails_in_the_first_year_nor_outlives_its_end(large: Scene) -> None:
    fate = large.fate
    failed = fate.default_month < 48
    assert fate.default_month[failed].min() >= 12
    first_day = large.region.calendar.first_day
    month = np.searchsorted(first_day, fate.default_day[failed], side="right") - 1
    assert (month == fate.default_month[failed]).all()
    ended = fate.last_month < 47
    assert (first_day[fate.last_month[ended] + 1] <= fate.ended_day[ended]).all()


def test_chains_lead_to_their_core_firm(large: Scene) -> None:
    net = large.network
    for step in (1, 2, 3):
        sellers = np.flatnonzero(net.tier == step)
        assert len(sellers) > 100
        customer = net.buyer[sellers, 0]
        assert (net.tier[customer] == step - 1).all()
        assert (net.chain[customer] == net.chain[sellers]).all()
    cores = np.flatnonzero(net.tier == 0)
    assert (net.chain[cores] == cores).all()
    assert large.region.size[cores].min() > np.quantile(large.region.size, 0.9)
