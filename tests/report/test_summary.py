from __future__ import annotations

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.report import sample_run
from tests.report.html_check import check
from xinqiao.report.summary import ROWS_A_PAGE, list_pages, render_lists, render_summary


def test_page_is_balanced_bilingual_and_self_contained() -> None:
    found = check(render_summary(sample_run.summary(60)))
    assert found.faults == []
    assert found.scripts == 0


def test_snapshot(snapshot: SnapshotAssertion) -> None:
    assert render_summary(sample_run.summary(12)) == snapshot


def test_rows_read_are_shown_exactly_with_their_total() -> None:
    html = render_summary(sample_run.summary(12))
    for text in ("210,947", "162,484", "395,175", "330,835", "1,099,564", "没有丢失一行"):
        assert text in html


def test_rows_lost_are_not_hidden() -> None:
    view = sample_run.summary(12)
    lost = replace(view.ingest[1], kept=view.ingest[1].kept - 1)
    html = render_summary(replace(view, ingest=(view.ingest[0], lost, *view.ingest[2:])))
    assert "没有丢失一行" not in html
    assert "读入与保留加隔离不相等" in html


def test_small_runs_hold_the_list_and_link_every_company() -> None:
    html = render_summary(sample_run.summary(425))
    assert all(f'href="companies/E{i}.html"' in html for i in range(1, 426))
    assert list(render_lists(sample_run.summary(425))) == []


@pytest.mark.parametrize("count", [501, 2_000])
def test_large_runs_are_cut_into_list_pages(count: int) -> None:
    view = sample_run.summary(count)
    html = render_summary(view)
    pages = dict(render_lists(view))
    assert len(pages) == -(-count // ROWS_A_PAGE)
    assert all(f'href="{name}"' in html for name in pages)
    assert sum(page.count('href="companies/') for page in pages.values()) == count
    first = next(iter(pages.values()))
    assert check(first).faults == []


def test_no_company_is_on_two_pages() -> None:
    rows = sample_run.companies(1_201)
    pages = list_pages(rows)
    assert [r for p in pages for r in p.rows] == list(rows)
    assert [len(p.rows) for p in pages] == [500, 500, 201]


def test_runs_without_outcomes_say_so() -> None:
    view = replace(
        sample_run.summary(5), performance=(), roc=(), calibration=(), score_bins=(), traps=(), companies=()
    )
    html = render_summary(view)
    assert check(html).faults == []
    assert "没有已知结果，无法检验" in html


def test_intervals_stand_beside_every_auc_that_has_one() -> None:
    html = render_summary(sample_run.summary(5))
    assert "[0.811, 0.941]" in html
    assert html.count('class="ci"') == 4


def test_generated_data_is_called_so() -> None:
    assert "生成数据" in render_summary(sample_run.summary(5, generated=True))
