from __future__ import annotations

import numpy as np

from tests.cli.conftest import Done
from xinqiao.run.fairness import AGE, AGE_YEARS, Firms, _banded


def test_a_bound_belongs_to_the_band_above_and_no_value_to_none() -> None:
    values = {"a": {AGE: 1.99}, "b": {AGE: 2.0}, "c": {AGE: None}, "d": {}, "e": {AGE: 40.0}}
    empty = np.empty(0)
    firms = Firms(list(values), values, empty.astype(bool), empty, empty)
    assert _banded(firms, AGE, AGE_YEARS) == ["0", "1", None, None, "3"]


def test_the_model_card_of_a_run_shows_every_grouping(done: Done) -> None:
    html = (done.out / "report" / "model_card.html").read_text("utf-8")
    section = html.split("公平性", 1)[1].split("拒绝使用的字段", 1)[0]
    for group in ("年开票额不足 100 万元", "10 年及以上", "990101"):
        assert group in section
    assert "数据中没有这一属性" not in section
