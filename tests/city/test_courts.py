from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.city.conftest import tables, versions_grow
from xinqiao.city.courts import BASE, DEFENDANT, HISTORY, _cases, _rate, court_tables
from xinqiao.city.draw import Stream
from xinqiao.city.events import SETTLING_DAYS, last_day
from xinqiao.city.scene import Scene

END = "2025-12-31"


@pytest.fixture(scope="module")
def court(scene: Scene) -> dict[str, pl.DataFrame]:
    return tables(scene, court_tables)


def test_cases_are_judged_later_and_known_in_time(court: dict[str, pl.DataFrame]) -> None:
    cases = court["court_case"]
    assert len(cases) > 500
    assert (cases["获知日期"] <= END).all()
    assert (cases["获知日期"] > cases["立案日期"]).all()
    judged = cases.drop_nulls("裁判日期")
    assert (judged["裁判日期"] > judged["立案日期"]).all()
    versions_grow(cases, ["企业代号", "案号", "地位"], ["裁判日期", "结果"])


def test_a_case_between_companies_of_the_region_stands_in_both_files(court: dict[str, pl.DataFrame]) -> None:
    cases = court["court_case"].drop_nulls("结果")
    both = cases.filter(pl.col("地位") == "原告").join(cases.filter(pl.col("地位") == "被告"), on="案号")
    assert len(both) > 5
    assert (both["企业代号"] != both["企业代号_right"]).all()
    pairs = set(zip(both["结果"], both["结果_right"], strict=True))
    assert pairs <= {("胜诉", "败诉"), ("败诉", "胜诉"), ("部分支持",) * 2, ("调解",) * 2, ("撤诉",) * 2}


def test_enforcement_follows_lost_cases_and_lists_follow_enforcement(court: dict[str, pl.DataFrame]) -> None:
    lost = court["court_case"].filter(pl.col("地位") == "被告", pl.col("结果").is_in(["败诉", "部分支持"]))
    enforced = court["court_enforcement"]
    number = enforced["执行案号"].str.extract(r"执(\d+)号")
    known = set(lost["案号"].str.extract(r"民初(\d+)号"))
    recent = enforced.filter(pl.col("立案日期") < "2025-06-01")  # the latest judgments are not yet published
    assert len(recent) > 50
    assert np.mean([n in known for n in number]) > 0.9
    broken = enforced.drop_nulls("终结本次执行日期")
    assert (broken["未履行额"].cast(pl.Float64) > 0).all()
    listed = court["court_list"].filter(pl.col("名单") != "破产")
    assert set(listed["企业代号"]) <= set(broken["企业代号"])
    versions_grow(court["court_list"], ["企业代号", "文书号"], ["移出日期"])


def test_failed_firms_are_sued_more_and_nothing_before_looks_ahead(scene: Scene) -> None:
    """Before a default firms that fail later are sued just as often as their latent state says."""
    seen, expected, after, before = 0, 0.0, 0, 0
    first_day = scene.region.calendar.first_day
    for block in range(scene.blocks):
        ids = scene.ids(block)
        fails = scene.fate.default_month[ids] < scene.region.calendar.months
        cases = _cases(scene, ids, scene.stream(Stream.COURTS, ids))
        mine = (cases.role == DEFENDANT) & (cases.other < 0) & fails[cases.company - ids[0]]
        month = np.searchsorted(first_day, cases.filed, side="right") - 1
        early = mine & (cases.filed < scene.fate.default_day[cases.company]) & (month >= 0)
        early &= month < scene.fate.default_month[cases.company]
        seen += int(early.sum())
        after += int((mine & (month > scene.fate.default_month[cases.company])).sum())
        before += int((mine & (month < scene.fate.default_month[cases.company])).sum())
        rate = _rate(scene, ids, BASE[DEFENDANT])[:, HISTORY:]
        months = np.arange(rate.shape[1])
        alive = first_day[:-1] >= scene.region.established[ids, None] + SETTLING_DAYS
        alive &= first_day[1:] <= last_day(scene, ids)[:, None] + 1
        counted = alive & (months < scene.fate.default_month[ids, None]) & fails[:, None]
        expected += float(rate[counted].sum())
    assert abs(seen - expected) < 5 * np.sqrt(expected) + 10
    assert after > 20


def test_rows_do_not_hang_on_the_order_of_blocks(scene: Scene) -> None:
    once = court_tables(scene, scene.ids(3))
    court_tables(scene, scene.ids(0))
    again = court_tables(scene, scene.ids(3))
    assert all(once[name].equals(again[name]) for name in once)
