from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.strategy.small import terms
from xinqiao.kernel.errors import UserError
from xinqiao.strategy.applicant import generated_applicants, rating_of, read_applicants

GOOD = (
    "company_id,name,pd,rating,industry,kind,sales_cny\n1,甲餐饮有限公司,0.02,A,,,\n2,乙,0.5,,,branch,1e6\n"
)


def _read(folder: Path, text: str) -> list[object]:
    path = folder / "companies.csv"
    path.write_text(text, "utf-8-sig")
    return list(read_applicants(path, terms()))


def test_given_columns_win_and_names_fill_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "companies.csv"
    path.write_text(GOOD, "utf-8-sig")
    first, second = read_applicants(path, terms())
    assert (first.id, first.rating, first.industry, first.sureness) == ("1", "A", "catering", "sure")
    assert first.sales_cny is None
    assert (second.rating, second.kind, second.sales_cny) == ("D", "branch", 1e6)  # .5 lies above C's bound
    table = tmp_path / "companies.parquet"
    pq.write_table(pa.table({"company_id": ["x"], "pd": [0.1], "pd_low": [0.05], "pd_high": [0.2]}), table)
    (third,) = read_applicants(table, terms())
    assert (third.name, third.rating, third.pd_low, third.pd_high) == ("x", "B", 0.05, 0.2)


@pytest.mark.parametrize(
    "text",
    [
        "company_id,name\n1,a\n",
        "company_id,pd\n",
        "company_id,pd\n1,0.1\n1,0.2\n",
        "company_id,pd\n1,1.5\n",
        "company_id,pd\n1,\n",
        "company_id,pd\n,0.5\n",
        "company_id,pd\n1,low\n",
        "company_id,pd,rating\n1,0.5,E\n",
        "company_id,pd,pd_low\n1,0.1,0.2\n",
        "company_id,pd,pd_high\n1,0.3,0.2\n",
        "company_id,pd,sales_cny\n1,0.1,inf\n",
    ],
)
def test_faulty_tables_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="STR-COMPANIES"):
        _read(tmp_path, text)


def test_the_row_of_a_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"companies.csv:3"):
        _read(tmp_path, "company_id,pd\n1,0.1\n2,7\n")


def test_a_company_twice_is_named_and_an_empty_table_is_called_empty(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"companies.csv:4.*'7' stands twice"):
        _read(tmp_path, "company_id,pd\n7,0.1\n8,0.1\n7,0.2\n")
    with pytest.raises(UserError, match="no rows"):
        _read(tmp_path, "company_id,pd\n")


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"nothing")
    for name in ("absent.csv", "a.parquet"):
        with pytest.raises(UserError, match="STR-FILE"):
            read_applicants(tmp_path / name, terms())


def test_ratings_by_bounds_include_the_upper_end() -> None:
    bounds = (0.04, 0.1, 0.35)
    assert [rating_of(pd, bounds) for pd in (0, 0.04, 0.041, 0.1, 0.35, 0.351, 1)] == list("AABBCDD")


def test_generated_companies_repeat_by_seed_and_hold_their_intervals() -> None:
    first, again, other = (generated_applicants(50, seed, terms()) for seed in (1, 1, 2))
    assert first == again != other
    for each in first:
        assert each.pd_low is not None
        assert each.pd_high is not None
        assert 0 < each.pd_low <= each.pd <= each.pd_high < 1
