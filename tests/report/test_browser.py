"""The pages in a real browser at desk and phone width."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.report import sample, sample_run
from tests.report.fitting import misfits
from xinqiao.report.company import render_company
from xinqiao.report.model_card import render_model_card
from xinqiao.report.summary import render_summary

LONG_NAME = "内蒙古自治区" + "青云溪精密机械配件制造" * 5 + "有限公司"
PAGES: dict[str, Callable[[], str]] = {
    "company": lambda: render_company(sample.company()),
    "long_name": lambda: render_company(sample.company(LONG_NAME, "reject", "X" * 60, generated=True)),
    "summary": lambda: render_summary(sample_run.summary(60)),
    "model_card": lambda: render_model_card(sample_run.model_card()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PAGES))
def test_page_fits_its_window(browser: Any, tmp_path: Path, name: str) -> None:  # noqa: ANN401 - playwright is optional
    file = tmp_path / f"{name}.html"
    file.write_text(PAGES[name](), "utf-8")
    assert misfits(browser, file) == []


@pytest.mark.slow
def test_the_list_filters_without_script(browser: Any, tmp_path: Path) -> None:  # noqa: ANN401 - as above
    file = tmp_path / "summary.html"
    file.write_text(PAGES["summary"](), "utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    rows = page.locator("table.rows tbody tr")
    refused = page.locator("table.rows tbody tr.x-reject").count()
    assert rows.count() == 60
    page.get_by_text("拒绝", exact=False).locator("xpath=ancestor-or-self::label").first.click()
    visible = [i for i in range(60) if rows.nth(i).is_visible()]
    assert 0 < len(visible) == refused
    context.close()
