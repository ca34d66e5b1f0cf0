from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl
import pytest

from xinqiao.city.applications import GANG, HALL
from xinqiao.city.books import books_of
from xinqiao.city.hazard import NEVER
from xinqiao.city.scene import Scene, draw_scene
from xinqiao.city.ties import SHARED

RULES = 27


@pytest.fixture(scope="module")
def scene() -> Scene:
    return draw_scene(6000, 36, date(2023, 1, 1), 1)


@pytest.fixture(scope="module")
def truth(scene: Scene) -> pl.DataFrame:
    return scene.schemes.truth


def members(
    truth: pl.DataFrame, rule: str, *, innocent: bool = False
) -> Iterator[tuple[pl.DataFrame, list[int]]]:
    told = truth.filter((pl.col("rule") == rule) & (pl.col("innocent") == innocent))
    for scheme in told.partition_by("scheme", maintain_order=True):
        yield scheme, [int(code[1:]) - 1 for code in scheme["company_id"]]


def days(scheme: pl.DataFrame) -> tuple[int, int]:
    first, last = scheme["first"][0], scheme["last"][0]
    return (first - date(1970, 1, 1)).days, (last - date(1970, 1, 1)).days


def test_every_rule_is_planted_in_a_small_share_of_firms(truth: pl.DataFrame) -> None:
    guilty = truth.filter(~pl.col("innocent"))
    assert guilty["rule"].n_unique() == RULES
    assert truth.filter("innocent")["rule"].n_unique() >= 15
    # rings and circles have their own numbers and may share a member with another scheme
    rare = guilty.filter(~pl.col("rule").is_in(["FI01", "FI02", "FC05"]))
    assert rare["company_id"].is_unique().all()
    assert 0.02 < guilty["company_id"].n_unique() / 6000 < 0.10
    assert (truth["first"] <= truth["last"]).all()
    assert truth["last"].max() <= date(2025, 12, 31)  # type: ignore[operator]  # dates compare


def test_schemes_need_living_firms(scene: Scene, truth: pl.DataFrame) -> None:
    for rule in ("FA02", "FA04", "FI04", "FB02"):
        for scheme, firms in members(truth, rule):
            first, _ = days(scheme)
            assert (scene.fate.ended_day[firms] > first).all()
            assert (scene.region.established[firms] < first).all()


def test_a_gang_applies_through_one_agent_within_a_month(scene: Scene, truth: pl.DataFrame) -> None:
    rows = scene.applications
    for scheme, firms in members(truth, "FA04"):
        mine = rows.take(np.isin(rows.company, firms) & (rows.scheme == scheme["scheme"][0]))
        assert len(np.unique(mine.agent)) == len(np.unique(mine.layout)) == 1
        assert mine.agent[0] >= GANG
        assert len(np.unique(mine.company)) >= 10
        assert np.ptp(mine.day) <= 30
    for scheme, _ in members(truth, "FA04", innocent=True):
        mine = rows.take(rows.scheme == scheme["scheme"][0])
        assert len(np.unique(mine.agent)) == 1
        assert len(np.unique(mine.layout)) == len(mine)  # each firm's papers are its own


def test_strangers_share_one_device_and_halls_are_innocent(scene: Scene, truth: pl.DataFrame) -> None:
    rows = scene.applications
    for scheme, firms in members(truth, "FA03"):
        mine = rows.take(rows.scheme == scheme["scheme"][0])
        assert len(np.unique(mine.device)) == 1
        assert set(mine.company) <= set(firms)
    for _, firms in members(truth, "FA03", innocent=True):
        devices = rows.device[np.isin(rows.company, firms)]
        assert (devices >= HALL).any()


def test_one_intent_to_many_banks_is_innocent_and_many_intents_are_not(
    scene: Scene, truth: pl.DataFrame
) -> None:
    rows = scene.applications
    for scheme, firms in members(truth, "FA02"):
        mine = rows.take(rows.scheme == scheme["scheme"][0])
        assert set(mine.company) == set(firms)
        assert len(np.unique(mine.intent)) == len(mine) >= 4
    for scheme, firms in members(truth, "FA02", innocent=True):
        first, _ = days(scheme)
        mine = rows.take((rows.company == firms[0]) & (rows.day == first))
        assert np.bincount(np.unique(mine.intent, return_inverse=True)[1]).max() >= 3


def test_changes_come_before_the_application(scene: Scene, truth: pl.DataFrame) -> None:
    planted = scene.schemes.changes
    for scheme, firms in members(truth, "FA01"):
        mine = planted.company == firms[0]
        applied = scene.applications.day[scene.applications.scheme == scheme["scheme"][0]]
        assert mine.any()
        assert ((applied - planted.day[mine]) > 0).all()
        assert ((applied - planted.day[mine]) <= 150).all()
    for _, firms in members(truth, "FC02"):
        assert len(np.unique(planted.item[planted.company == firms[0]])) >= 3


def test_a_bought_shell_slept(scene: Scene, truth: pl.DataFrame) -> None:
    for _, (firm,) in members(truth, "FC02"):
        ids = scene.ids(firm // 128)
        awake = int(scene.fate.first_month[firm])
        rows = books_of(scene, ids).sales
        month = (
            np.searchsorted(scene.region.calendar.first_day, rows.day[rows.company == firm], side="right") - 1
        )
        assert awake >= 12
        assert (month >= awake).all()


def test_invoices_before_the_loan_are_reversed_after_it(scene: Scene, truth: pl.DataFrame) -> None:
    found = 0
    for scheme, (firm,) in members(truth, "FI05"):
        applied = int(scene.applications.day[scene.applications.scheme == scheme["scheme"][0]][0])
        rows = books_of(scene, scene.ids(firm // 128)).sales
        mine = rows.take(rows.company == firm)
        red = (mine.amount < 0) & (mine.original_day < applied) & (mine.day > applied)
        found += int(red.sum() >= 5 or mine.void.mean() > 0.15)
    assert found >= 3


def test_capped_and_starved_firms_show_it(scene: Scene, truth: pl.DataFrame) -> None:
    for _, (firm,) in members(truth, "FI03"):
        rows = books_of(scene, scene.ids(firm // 128)).sales
        cents = rows.amount[(rows.company == firm) & (rows.amount > 0)]
        limit = 10.0 ** np.ceil(np.log10(np.maximum(cents, 100)) + 1e-12)
        assert ((cents >= 0.995 * limit) & (cents < limit)).mean() > 0.2
    starved = np.flatnonzero(scene.schemes.starved)
    assert len(starved) >= 2


def test_one_terminal_serves_strangers(scene: Scene, truth: pl.DataFrame) -> None:
    for _, firms in members(truth, "FI07"):
        assert len(np.unique(scene.schemes.terminal[firms])) == 1
        assert len(firms) >= 3


def test_shared_places_of_strangers_and_of_hubs(scene: Scene, truth: pl.DataFrame) -> None:
    ties = scene.ties
    for _, firms in members(truth, "FC01"):
        shared = [len(np.unique(column[firms])) == 1 for column in (ties.address, ties.phone, ties.email)]
        assert any(shared)
        assert len(np.unique(ties.controller[firms])) > 1
    hubs = [firms for _, firms in members(truth, "FC01", innocent=True)]
    assert all((ties.address[f] >= SHARED).all() or (ties.phone[f] >= SHARED).all() for f in hubs)


def test_money_goes_round_within_a_week_and_back_to_its_giver(scene: Scene, truth: pl.DataFrame) -> None:
    flows = scene.schemes.flows
    for _, firms in members(truth, "FB02"):
        out = np.flatnonzero(np.isin(flows.company, firms) & (flows.incoming == 0))
        into = np.flatnonzero(np.isin(flows.company, firms) & (flows.incoming == 1))
        assert len(out) == len(into) == 8 * len(firms)
        assert sorted(flows.cents[out]) == sorted(flows.cents[into])
        assert set(flows.party[out]) == set(firms)
        assert scene.schemes.watched[firms].all()


def test_a_confirmed_fraud_stands_near_those_told(scene: Scene, truth: pl.DataFrame) -> None:
    sales = scene.schemes.sales
    for _, firms in members(truth, "FG01"):
        for firm in firms:
            partners = sales.buyer[sales.seller == firm]
            assert np.isin(partners, scene.schemes.confirmed).any()


def test_loans_of_a_vanishing_referrer_are_told_as_lost(scene: Scene, truth: pl.DataFrame) -> None:
    rows, lost = scene.applications, scene.schemes.lost
    told = {number for scheme, _ in members(truth, "FC06") for number in scheme["scheme"].to_list()}
    assert set(rows.scheme[lost]) == told
    assert (rows.referrer[lost] >= GANG).all()
    assert (rows.loan_day[lost] < NEVER).mean() > 0.5


def test_the_truth_does_not_hang_on_the_number_of_blocks_and_differs_by_seed() -> None:
    first, again, other = (draw_scene(3000, 24, date(2023, 1, 1), seed).schemes.truth for seed in (5, 5, 6))
    assert first.equals(again)
    assert not first.equals(other)
