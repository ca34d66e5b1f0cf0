from __future__ import annotations

from datetime import date

import pytest

from xinqiao.enterprise.division import division_on, divisions, full_name


def test_every_code_is_six_digits_and_names_follow_each_other() -> None:
    assert len(divisions()) > 7_000
    for code, names in divisions().items():
        assert len(code) == 6
        assert code.isdigit()
        assert all(name.name and (name.first <= name.last or not name.last) for name in names)
        assert sum(name.current for name in names) <= 1


@pytest.mark.parametrize(
    ("code", "day", "name"),
    [
        ("130502", date(1990, 1, 1), "桥东区"),
        ("130502", None, "襄都区"),
        ("130502", date(2026, 1, 1), "襄都区"),
        ("110102", date(1950, 1, 1), "西城区"),
        ("130521", date(2026, 1, 1), None),
        ("999999", None, None),
        ("810000", None, "香港特别行政区"),
    ],
)
def test_the_name_on_a_day(code: str, day: date | None, name: str | None) -> None:
    found = division_on(code, day)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("330113", "浙江省杭州市临平区"),
        ("110101", "北京市东城区"),
        ("110000", "北京市"),
        ("659010", "新疆维吾尔自治区胡杨河市"),
        ("429004", "湖北省仙桃市"),
        ("999999", None),
    ],
)
def test_full_names(code: str, name: str | None) -> None:
    assert full_name(code) == name
