from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from tests.report.html_check import check
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.report.page import bilingual, company_file, environment, shown, write_page


def test_same_text_is_written_once() -> None:
    assert bilingual(Text(zh="12.3%", en="12.3%")) == '<span class="bi">12.3%</span>'


@given(st.text(), st.text())
def test_no_text_can_open_a_tag(zh: str, en: str) -> None:
    inner = bilingual(Text(zh=zh, en=en)).replace("<span", "").replace("</span>", "")
    assert inner.count("<") == 0


def test_missing_value_shows_its_reason_and_never_zero() -> None:
    html = shown(None, "CNY", Text(zh="历史不足", en="short history"))
    assert "缺失：历史不足" in html
    assert "missing: short history" in html
    assert "0" not in html


def test_zero_is_shown_as_zero() -> None:
    assert "0元" in shown(0, "CNY")


@given(st.text(min_size=1))
def test_company_file_never_leaves_its_folder(company_id: str) -> None:
    name = company_file(company_id)
    assert Path(name).name == name
    assert name.endswith(".html")
    assert name.isascii()


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_companies_never_share_a_file_even_where_case_is_ignored(a: str, b: str) -> None:
    assert a == b or company_file(a).lower() != company_file(b).lower()


def test_names_used_but_not_given_are_errors() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nothing_of_this_name }}").render()


def test_write_page_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "pages" / "a.html"
    write_page(target, "一")
    write_page(target, "二\n")
    assert target.read_bytes() == "二\n".encode()
    assert [p.name for p in target.parent.iterdir()] == ["a.html"]


def test_write_page_tells_the_user_what_failed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as caught:
        write_page(tmp_path / "file" / "a.html", "x")
    assert caught.value.code == "FILE-WRITE"
    assert "a.html" in caught.value.where


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<p><b>x</p>", "closes"),
        ("<p>中文</p>", "without English"),
        ('<span class="bi">中文</span>', "English missing"),
        ('<a href="https://example.com">x</a>', "external"),
        ("<div>", "left open"),
    ],
)
def test_the_checker_itself_finds_faults(html: str, fault: str) -> None:
    assert any(fault in found for found in check(html).faults)
