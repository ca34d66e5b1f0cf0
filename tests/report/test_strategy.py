from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.report.fitting import misfits
from tests.report.html_check import check
from tests.strategy.test_output import make
from xinqiao.report.strategy import render_strategy
from xinqiao.strategy.study import Study


@pytest.fixture(scope="module")
def made() -> Study:
    return make()


def test_page_is_balanced_bilingual_and_self_contained(made: Study) -> None:
    html = render_strategy(made)
    found = check(html)
    assert found.faults == []
    assert found.scripts == 0
    assert render_strategy(made) == html


def test_every_company_stands_on_the_page_with_its_reason(made: Study) -> None:
    html = render_strategy(made)
    for each in made.plan.book.applicants:
        assert f">{each.id}<" in html
    assert "评级 D，按授权不贷" in html
    assert ">None<" not in html


def test_what_is_assumed_or_generated_is_said(made: Study) -> None:
    html = render_strategy(made)
    assert "情景数值是假定的" in html
    assert "请换成本行数字" in html
    assert "生成数据" not in html
    invented = replace(made, generated=True, churn=replace(made.churn, generated=True))
    html = render_strategy(invented)
    assert "生成数据" in html
    assert "流失率曲线是生成的" in html


def test_without_shock_and_intervals_the_page_says_so_or_leaves_them_out(made: Study) -> None:
    bare = replace(made, shocked=None, shocked_simple=(), pds=None)
    html = render_strategy(bare)
    assert check(html).faults == []
    assert 'id="shock"' not in html
    assert "没有给出违约概率的区间" in html


def test_hostile_names_are_escaped(made: Study) -> None:
    book = made.plan.book
    evil = replace(book.applicants[0], name="<script>alert(1)</script>", id='"><b>')
    plan = replace(made.plan, book=replace(book, applicants=(evil, *book.applicants[1:])))
    html = render_strategy(replace(made, plan=plan))
    assert "<script" not in html
    assert check(html).faults == []


@pytest.mark.slow
def test_page_fits_its_window(browser: Any, tmp_path: Path, made: Study) -> None:  # noqa: ANN401 - playwright is optional
    file = tmp_path / "strategy.html"
    file.write_text(render_strategy(made), "utf-8")
    assert misfits(browser, file) == []
