"""The page of a comparison in a real browser, at desk and phone width, and without scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.policy.test_diff import diff
from tests.report.fitting import misfits
from tests.report.test_policy_diff import page
from xinqiao.policy.diff import effects
from xinqiao.report.policy_diff import render_policy_diff


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = diff()
    path = tmp_path_factory.mktemp("page") / "diff.html"
    path.write_text(render_policy_diff(found, effects(found), page()), "utf-8")
    return path


@pytest.mark.slow
def test_the_comparison_fits_its_window(browser: Any, file: Path) -> None:  # noqa: ANN401 - playwright is optional
    assert misfits(browser, file) == []


@pytest.mark.slow
def test_the_list_of_companies_filters_without_script(browser: Any, file: Path) -> None:  # noqa: ANN401 - as above
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(file.as_uri())
    rows = tab.locator("table.rows tbody tr")
    now_rejected = tab.locator("table.rows tbody tr.x-reject").count()
    assert 0 < now_rejected < rows.count()
    tab.locator("label[for=o-reject]").click()
    assert sum(rows.nth(i).is_visible() for i in range(rows.count())) == now_rejected
    context.close()
