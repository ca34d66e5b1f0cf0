"""The pages of a run in a real browser, at the width of a desk and of a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Done
from tests.cli.test_run import results
from tests.portal.live import press

SPILLED = """[...document.querySelectorAll('td, th, dd, dt, h1, h2, p, li, .badge')]
  .filter(e => e.getClientRects().length && !e.closest('.scroll') && !e.closest('thead'))
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.textContent.slice(0, 40))"""


def one_of_each(out: Path) -> list[str]:
    """A company of every outcome."""
    first = {row["outcome"]: row["company_id"] for row in reversed(results(out))}
    return [first[outcome] for outcome in ("approve", "refer", "reject")]


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_say_nothing_on_the_console(
    browser: Any,  # noqa: ANN401 - playwright is optional
    done: Done,
    tmp_path: Path,
    width: int,
) -> None:
    names = ["index", "model_card", *(f"companies/{key}" for key in one_of_each(done.out))]
    for name in names:
        page = browser.new_page(viewport={"width": width, "height": 900})
        faults: list[str] = []
        page.on("console", lambda message, found=faults: found.append(message.text))
        page.on("pageerror", lambda error, found=faults: found.append(str(error)))
        page.on("requestfailed", lambda request, found=faults: found.append(request.url))
        page.goto((done.out / "report" / f"{name}.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        page.screenshot(path=str(tmp_path / f"{name.replace('/', '_')}-{width}.png"), full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(SPILLED) == [], name
        assert faults == [], name
        page.close()


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
