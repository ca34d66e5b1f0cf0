"""Delivered articles become rows of the contract and 36 months a firm."""

from __future__ import annotations

import csv
import gzip
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.opinion.delivered import Delivered, articles, read_delivered
from xinqiao.opinion.monthly import MONTHLY, MONTHS, NEWS, Recognised, monthly_csv, news_csv, recognise
from xinqiao.opinion.recogniser import Recogniser

AS_OF = date(2024, 3, 31)


def _row(day: date, firm: str = "F1", known: date | None = None) -> Delivered:
    return Delivered(firm, f"{firm}公司", f"{firm}{day}", day, known or day, "", "标题", "正文")


def _read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(data.decode().splitlines()))


def test_months_by_hand() -> None:
    found = [
        Recognised(_row(date(2024, 3, 5)), "wage_arrears", 0.95, 0.9),
        Recognised(_row(date(2024, 3, 31)), "lawsuit", 0.9, 0.5),
        Recognised(_row(date(2024, 2, 29)), "none", 0.1, 0.9),
        Recognised(_row(date(2021, 3, 31)), "default", 0.9, 0.9),  # before the 36 months
        Recognised(_row(date(2024, 3, 1), known=date(2024, 4, 1)), "default", 0.9, 0.9),  # not known yet
        Recognised(_row(date(2021, 4, 1), "F0"), "shutdown", 0.8, 0.9),
    ]
    months = _read(monthly_csv(found, AS_OF))
    assert list(months[0]) == list(MONTHLY)
    assert len(months) == 2 * MONTHS
    assert [months[0][c] for c in MONTHLY] == ["F0", "2021-04", "1", "1", "0", "0.648"]
    last = months[-1]
    assert [last[c] for c in MONTHLY] == ["F1", "2024-03", "2", "2", "1", "1.125"]  # 0.855 + 0.6 x 0.45
    assert [months[-2][c] for c in MONTHLY] == ["F1", "2024-02", "1", "0", "0", "0.0"]


@given(
    st.lists(st.tuples(st.integers(0, 1_200), st.integers(0, 60), st.floats(0, 1)), max_size=8),
    st.integers(1, 400),
)
def test_articles_known_later_change_nothing(drawn: list[tuple[int, int, float]], later: int) -> None:
    start = date(2021, 4, 1).toordinal()
    found = [
        Recognised(
            _row(date.fromordinal(start + day), known=date.fromordinal(start + day + lag)), "default", p, 1.0
        )
        for day, lag, p in drawn
    ]
    base = [Recognised(_row(AS_OF), "none", 0.0, 0.0), *found]
    new = Recognised(_row(AS_OF, known=date.fromordinal(AS_OF.toordinal() + later)), "accident", 1.0, 1.0)
    assert monthly_csv([*base, new], AS_OF) == monthly_csv(base, AS_OF)


def test_rows_of_the_contract(recogniser: Recogniser) -> None:
    text = "据本市消息，甲乙丙公司拖欠工资遭讨薪。今日，丁戊己公司荣获质量奖。"
    row = Delivered("C1", "甲乙丙公司", "A1", AS_OF, AS_OF, "报", "", text)
    rows = [row, replace(row, company_id="C2", entity="丁戊己公司"), replace(row, company_id="C3")]
    found = recognise(recogniser, rows)
    assert [one.event_type for one in found] == ["wage_arrears", "none", "wage_arrears"]
    table = _read(news_csv(found))
    assert tuple(table[0]) == NEWS
    assert table[0]["company_id"] == "C1"
    assert 0.5 < float(table[0]["negative"]) <= 1
    assert float(table[0]["match"]) > float(table[1]["match"])


def test_firms_of_one_article_are_read_together() -> None:
    row = _row(AS_OF)
    rows = [replace(row, company_id=f"F{i}", entity=f"名{i}") for i in range(95)]
    found, pairs = articles([*rows, row, rows[50]])
    assert [len(a.names) for a in found] == [40, 40, 16]
    flat = [name for a in found for name in a.names]
    assert [flat[p] for p in pairs] == [*(r.entity for r in rows), row.entity, "名50"]


def test_a_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    text = 'company_id,published_on,text\nC1,2024-01-02,"甲\n乙"\nC2,2024-01-02,"甲\n乙"\n'
    path.write_bytes(gzip.compress(text.encode("gb18030")))
    first, second = read_delivered(path)
    assert (first.entity, first.text, first.known_on) == ("C1", "甲\n乙", date(2024, 1, 2))
    assert first.article_no == second.article_no
    assert len(first.article_no) == 16


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("NEWS-COLUMN", "entity,text\nx,y\n"),
        ("NEWS-COLUMN", ""),
        ("NEWS-CELL", "entity,published_on,text\nx,2024-13-01,y\n"),
        ("NEWS-CELL", "entity,published_on,text\n,2024-01-01,y\n"),
        ("NEWS-CELL", "entity,published_on,text,known_on\nx,2024-01-02,y,2024-01-01\n"),
        ("NEWS-FILE", 'entity,published_on,text\nx,2024-01-02,"y\n'),
        ("NEWS-FILE", "entity,published_on,text\nx,2024-01-02," + "y" * 1_000_001 + "\n"),
    ],
    ids=["column", "empty", "date", "firm", "known", "quote", "long"],
)
def test_faults_of_a_table_are_named(tmp_path: Path, code: str, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(UserError, match=code):
        read_delivered(path)
