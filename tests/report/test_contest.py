from __future__ import annotations

from tests.report.html_check import check
from xinqiao.kernel.text import Text
from xinqiao.report.contest import Entry, Measure, Page, contest_page


def _page(*entries: Entry) -> Page:
    return Page(
        table="<b>loans</b>.csv",
        target="y",
        positive="1",
        rows=1000,
        bads=50,
        columns=3,
        folds=5,
        seed=0,
        notes=(Text(zh="略去 id", en="id left out"),),
        entries=entries,
    )


def _entry(name: str, state: str, **measures: Measure) -> Entry:
    return Entry(Text(zh=name, en=name), "card", state, "it <i>broke</i>", 2, **measures)


def test_every_state_is_said_and_hostile_names_stay_text() -> None:
    half = Measure(0.75, 0.01)
    html = contest_page(
        _page(
            _entry("甲", "done", auc=half, ks=half, brier=half, log_loss=half, fit_s=half),
            _entry("乙", "late", auc=half),
            _entry("丙", "absent"),
            _entry("丁", "failed"),
        )
    )
    for words in ("0.7500", "2/5", "not installed", "failed", "id left out"):
        assert words in html
    assert "<b>loans" not in html
    assert "<i>broke" not in html


def test_the_page_is_well_formed_even_when_nothing_worked() -> None:
    assert check(contest_page(_page(Entry(Text(zh="丙", en="c"), "peer", "absent", "", 0)))).faults == []


def test_texts_in_chinese_have_english_beside_them() -> None:
    half = Measure(0.75, 0.01)
    entry = Entry(Text(zh="甲", en="first"), "card", "done", "", 5, auc=half)
    assert check(contest_page(_page(entry))).faults == []
