"""The page of a comparison: its figures, its two languages, and what hostile texts do to it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from tests.policy.test_diff import A, B, cases
from tests.report.html_check import check
from xinqiao.kernel.quantity import fixed, percent
from xinqiao.kernel.text import Text
from xinqiao.policy.compiled import compile_policy
from xinqiao.policy.diff import Diff, compare, effects
from xinqiao.policy.frame import read_frame
from xinqiao.report.policy_diff import DiffPage, code_names, render_policy_diff
from xinqiao.report.view import Link

EVIL = "<script>alert('x')</script>"


def page(**changes: Any) -> DiffPage:  # noqa: ANN401 - any field of the page
    given: dict[str, Any] = {
        "dataset": Text(zh="测试 400 户", en="400 test companies"),
        "generated": True,
        "names": (Text(zh="旧版", en="old"), Text(zh="新版", en="new")),
        "links": (Link("changes.csv", Text(zh="改变的企业", en="changed companies")),),
        "href": lambda _company: None,
    }
    return DiffPage(**{**given, **changes})


def diff(table: pa.Table, b: Any = B) -> Diff:  # noqa: ANN401 - a policy
    return compare(A, b, (read_frame(A, table), read_frame(b, table)), 0.5)


@pytest.fixture(scope="module")
def found() -> Diff:
    return diff(cases(400))


def test_the_page_is_whole_and_bilingual(found: Diff) -> None:
    html = render_policy_diff(found, effects(found), page())
    checked = check(html)
    assert checked.faults == []
    assert checked.scripts == 0
    assert "生成数据" in html
    before, after = found.figures
    for text in (
        percent(before.approval_rate, 2),
        percent(after.approval_rate, 2),
        fixed(int(found.moved.sum())),
        "SHORT",
        "if: 月数 &lt; 24",
    ):
        assert text in html


def test_the_same_comparison_is_the_same_bytes(found: Diff) -> None:
    pages = [render_policy_diff(d, effects(d), page()) for d in (found, diff(cases(400)))]
    assert pages[0] == pages[1]


def test_real_companies_are_not_called_generated(found: Diff) -> None:
    assert "生成数据" not in render_policy_diff(found, effects(found), page(generated=False))


def test_companies_lead_to_their_pages(found: Diff) -> None:
    html = render_policy_diff(found, [], page(href=lambda company: f"../run/{company}.html"))
    moved = next(c for c, m in zip(found.ids, found.moved, strict=True) if m)
    assert f'href="../run/{moved}.html"' in html


def test_no_difference_is_said_so() -> None:
    html = render_policy_diff(diff(cases(50), A), [], page())
    assert check(html).faults == []
    assert "完全相同" in html
    assert "没有企业的结论改变" in html


def test_without_pd_the_expected_loss_is_said_to_be_unknown() -> None:
    html = render_policy_diff(
        diff(cases(200).drop_columns(["pd", "grade"]).append_column("grade", pa.array(["A"] * 200))),
        [],
        page(),
    )
    assert "无法计算（缺违约概率）" in html
    assert "未计入预期损失" in html


def test_texts_of_files_and_tables_stay_texts() -> None:
    table = cases(60).set_column(0, "company_id", pa.array([f"{EVIL}{i}" for i in range(60)]))
    text = B.text.replace("name: {zh: 月数, en: months}", f'name: {{zh: "{EVIL}中文", en: "{EVIL}"}}')
    evil = compile_policy(text, "b.yaml")
    found = diff(table, evil)
    html = render_policy_diff(found, effects(found), page(names=(Text(zh=EVIL, en=EVIL),) * 2))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 10
    assert check(html).scripts == 0


def test_every_reason_code_has_words(found: Diff) -> None:
    known = code_names(A)
    for side in (found.before, found.after):
        for words in side.words:
            assert set(words) <= set(known)
