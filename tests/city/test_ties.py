from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from xinqiao.city.region import Calendar, Region, draw_region
from xinqiao.city.ties import GUARANTEE, SHARED, WHOLE, Ties, draw_ties


@pytest.fixture(scope="module")
def region() -> Region:
    return draw_region(4000, Calendar(date(2023, 1, 1), 36), 1, 1.0)


@pytest.fixture(scope="module")
def ties(region: Region) -> Ties:
    return draw_ties(region)


def test_shares_of_a_company_sum_to_the_whole(region: Region, ties: Ties) -> None:
    held = ties.holdings
    hidden = np.bincount(held.company, held.share < 0, region.companies) > 0
    total = np.bincount(held.company, np.maximum(held.share, 0), region.companies)
    known = np.isin(np.arange(region.companies), held.company) & ~hidden
    assert known.sum() > 2500
    assert (total[known] == WHOLE).all()
    assert 0 < hidden.mean() < 0.1
    assert not region.self_employed[held.company].any()


def test_the_founder_holds_most_of_a_group_that_has_no_cycle(region: Region, ties: Ties) -> None:
    held = ties.holdings
    head = np.flatnonzero((ties.group >= 0) & (ties.head == np.arange(region.companies)))
    outside = held.by_company & np.isin(held.company, head)
    assert outside.sum() > 3  # some heads are held by their own group: cycles
    own = ~held.by_company & (held.holder == held.company) & (held.share >= 0)
    assert np.median(held.share[own]) > WHOLE / 2


def test_groups_are_held_together_by_their_head(ties: Ties) -> None:
    for group in range(30):
        members = np.flatnonzero(ties.group == group)
        assert len(members) > 1
        assert len(np.unique(ties.head[members])) == 1
        assert ties.head[members][0] in members
        assert (ties.controller[members] == ties.head[members]).all()


def test_some_holdings_close_a_cycle(region: Region, ties: Ties) -> None:
    held = ties.holdings
    rows = held.by_company
    n = region.companies
    graph = csr_array((np.ones(rows.sum()), (held.holder[rows], held.company[rows])), shape=(n, n))
    count, label = connected_components(graph, connection="strong")
    assert 3 <= (np.bincount(label, minlength=count) > 1).sum() <= 60


def test_guarantee_circles_close_and_young_companies_sign_nothing(region: Region, ties: Ties) -> None:
    sureties = ties.guarantees
    ring = sureties.circle >= 0
    assert len(np.unique(sureties.circle[ring])) == 10
    for circle in np.unique(sureties.circle[ring]):
        mine = sureties.circle == circle
        assert set(sureties.guarantor[mine]) == set(sureties.guaranteed[mine])
        assert 3 <= mine.sum() <= 6
    assert (sureties.signed >= region.established[sureties.guarantor]).all()
    assert (sureties.signed >= region.established[sureties.guaranteed]).all()


def test_failure_of_the_guaranteed_hurts_the_guarantor(ties: Ties) -> None:
    links, sureties = ties.links, ties.guarantees
    mine = links.kind == GUARANTEE
    assert (links.a[mine] == sureties.guaranteed).all()
    assert (links.b[mine] == sureties.guarantor).all()
    assert ((links.weight >= 0) & (links.weight <= 1)).all()


def test_hubs_are_large_and_innocent_groups_small(ties: Ties) -> None:
    numbers, sizes = np.unique(ties.address, return_counts=True)
    assert sizes[numbers >= SHARED].max() >= 20
    assert 2 <= sizes[numbers < SHARED].max() <= 30
    assert (ties.agent >= 0).mean() == pytest.approx(0.45, abs=0.05)


def test_the_smallest_region_has_ties_too() -> None:
    ties = draw_ties(draw_region(20, Calendar(date(2023, 1, 1), 24), 3, 1.0))
    assert ties.group.max() >= 0
