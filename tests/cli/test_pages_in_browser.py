"""The pages of a run in a real browser, at the width of a desk and of a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Done
from tests.cli.test_run import results
from tests.portal.live import press
from tests.report.fitting import misfits


def one_of_each(out: Path) -> list[str]:
    """A company of every outcome."""
    first = {row["outcome"]: row["company_id"] for row in reversed(results(out))}
    return [first[outcome] for outcome in ("approve", "refer", "reject")]


@pytest.mark.slow
def test_pages_fit_and_say_nothing_on_the_console(browser: Any, done: Done) -> None:  # noqa: ANN401 - playwright is optional
    names = ["index", "model_card", *(f"companies/{key}" for key in one_of_each(done.out))]
    for name in names:
        assert misfits(browser, done.out / "report" / f"{name}.html") == [], name


@pytest.mark.slow
def test_a_person_walks_from_the_list_to_a_company_and_back(
    browser: Any,  # noqa: ANN401 - playwright is optional
    done: Done,
) -> None:
    page = browser.new_page()
    home = (done.out / "report" / "index.html").as_uri()
    page.goto(home)
    for key in one_of_each(done.out):
        press(page.locator(f"a[href='companies/{key}.html']").first)
        assert page.url.endswith(f"companies/{key}.html")
        assert key in page.locator("body").inner_text()
        press(page.locator("a[href='../index.html']").first)
        assert page.url.split("#", 1)[0] == home
    press(page.locator("a[href='model_card.html']").first)
    assert page.url.endswith("model_card.html")
    page.close()
