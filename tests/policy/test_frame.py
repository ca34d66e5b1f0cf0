from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from tests.policy.conftest import SMALL
from xinqiao.kernel.errors import UserError
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.frame import column_names, read_frame

TABLE = pa.table(
    {
        "company_id": ["007", "008"],
        "grade": ["A", None],
        "INV01": [1.5, None],
        "INV01.missing": [None, "NO_RECORDS"],
        "INV28": [7.0, 8.0],
        "INV05": [0.1, 0.30000000000000004],
        "note": ["x", "y"],
    }
)


@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv", "table"])
def test_every_kind_of_file_gives_the_same_columns(small: Policy, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"cases.{kind}"
    match kind:
        case "parquet":
            pq.write_table(TABLE, path)
        case "arrow":
            feather.write_feather(TABLE, path)
        case "csv":
            pa_csv.write_csv(TABLE, path)
    frame = read_frame(small, TABLE if kind == "table" else path)
    assert {name: column.to_pylist() for name, column in frame.columns.items()} == {
        "评级": ["A", None],
        "年销售额": [1.5, None],
        "月数": [7.0, 8.0],
        "波动": [0.1, 0.30000000000000004],
    }
    assert {name: column.to_pylist() for name, column in frame.missing.items()} == {
        "年销售额": [None, "NO_RECORDS"]
    }
    assert frame.table["company_id"].to_pylist() == ["007", "008"]


def _refused(policy: Policy, source: Path | pa.Table) -> str:
    with pytest.raises(UserError) as error:
        read_frame(policy, source)
    assert error.value.code in {"POL-CASES", "POL-STORE"}
    return str(error.value)


def test_a_misspelt_column_is_refused_with_the_nearest_name(small: Policy) -> None:
    table = TABLE.rename_columns(["company_id", "grade", "INV-01", "INV01.missing", "INV28", "INV05", "note"])
    assert "INV01 (INV-01?)" in _refused(small, table)


def test_a_column_of_the_application_may_be_absent() -> None:
    policy = compile_policy(SMALL.replace("source: indicator.INV28", "source: application.age"), "p.yaml")
    assert set(read_frame(policy, TABLE.drop_columns(["INV28"])).columns) == {"评级", "年销售额", "波动"}


def test_a_column_that_stands_twice_is_refused(small: Policy) -> None:
    table = TABLE.rename_columns(["company_id", "grade", "INV01", "INV01.missing", "INV28", "INV05", "INV05"])
    assert "INV05" in _refused(small, table)


def test_what_is_no_table_is_refused(small: Policy, tmp_path: Path) -> None:
    (tmp_path / "cases.parquet").write_bytes(b"PAR1 not really")
    (tmp_path / "cases.txt").write_text("")
    for source in (tmp_path, tmp_path / "cases.parquet", tmp_path / "cases.txt", tmp_path / "none.csv"):
        assert str(source) in _refused(small, source)


def test_a_name_that_two_families_share_is_written_out() -> None:
    policy = compile_policy(SMALL.replace("source: indicator.INV28", "source: application.grade"), "p.yaml")
    assert column_names(policy) == {
        "评级": "score.grade",
        "年销售额": "INV01",
        "月数": "application.grade",
        "波动": "INV05",
    }
