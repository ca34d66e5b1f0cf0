from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.indicator.lakes import RowLake, T, firm, sale
from tests.report.html_check import check
from xinqiao.kernel.text import Text
from xinqiao.report.catalogue import catalogue_of, catalogue_page, field_users

NAME = Text(zh="<b>小</b>湖", en="a <b>small</b> lake")


def test_the_lineage_runs_from_the_field_to_the_indicator_and_the_model(tmp_path: Path) -> None:
    lake = RowLake(tmp_path, {"registry": [firm("A")], "invoice": [sale("A", date(2024, 5, 5), 10)]})
    page = catalogue_of(lake, NAME, ["INV01"], generated=True)
    invoice = next(c for s in page.sources for c in s.contracts if c.contract.id == "invoice")
    amount = next(f for f in invoice.fields if f.name == "amount_cents")
    assert "INV01" in amount.indicators
    assert amount.in_model == ("INV01",)
    register = next(c for s in page.sources for c in s.contracts if c.contract.id == "registry")
    established = next(f for f in register.fields if f.name == "established_on")
    assert "REG01" in established.indicators
    assert established.in_model == ()
    assert date(2024, 5, 5) < T


def test_no_outcome_is_ever_used_by_an_indicator() -> None:
    users = field_users()
    for outcome in ("credit.defaulted", "credit.default_on", "credit.bank_rating"):
        assert outcome not in users


def test_the_page_says_what_is_held_by_whom_and_escapes_names(tmp_path: Path) -> None:
    lake = RowLake(tmp_path, {"registry": [firm("A")]})
    html = catalogue_page(catalogue_of(lake, NAME, generated=True))
    check(html)
    assert "<b>小</b>" not in html
    assert "生成数据" in html
    for words in ("电网企业", "征信业管理条例第二十一条", "数据湖中没有"):
        assert words in html
    assert "生成数据" not in catalogue_page(catalogue_of(lake, NAME))


def test_checks_across_sources_are_listed_too(tmp_path: Path) -> None:
    page = catalogue_of(RowLake(tmp_path, {"registry": [firm("A")]}), NAME)
    assert [name for name, _ in page.across][:1] == ["XC01"]
    assert "跨来源核对" in catalogue_page(page)
