from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from tests.policy.conftest import SMALL
from xinqiao.kernel.errors import UserError
from xinqiao.policy.batch import decide_batch
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.frame import column_names, read_frame
from xinqiao.policy.record import Basis, Subject, record_decision
from xinqiao.policy.store import DecisionStore

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


def test_a_runs_folder_is_a_table_of_cases_decided_as_it_was(small: Policy, tmp_path: Path) -> None:
    def score(values: Mapping[str, float | None], _application: Mapping[str, Any]) -> dict[str, Any]:
        return {"points": 500.0, "pd": 0.02, "grade": "A" if values["INV28"] else "B", "reasons": [{}]}

    basis = Basis("m", b"{}", score, small)
    records = []
    for i in range(9):
        values = {"INV01": 1e6 + i, "INV28": float(i), "INV05": None if i % 3 == 0 else 0.1 * i}
        missing = {"INV05": "SOURCE_ABSENT"} if i % 2 == 0 else {"INV05": "NO_RECORDS"}
        subject = Subject(f"E{i}", date(2021, 1, 1), values, missing, {"grade": "mine"}, "none")
        records.append(record_decision(basis, subject))
    DecisionStore(tmp_path / "decisions").write(basis, records)
    frame = read_frame(small, tmp_path)
    assert frame.table["company_id"].to_pylist() == [f"E{i}" for i in range(9)]
    assert frame.table["application.grade"].to_pylist() == ["mine"] * 9
    got = decide_batch(small, frame.columns, frame.missing).to_arrow().to_pylist()
    for row, record in zip(got, records, strict=True):
        want = record.content["decision"]
        assert row["outcome"] == want["outcome"]
        assert row["reason_codes"] == " ".join(reason["code"] for reason in want["reasons"])
    assert len({row["reason_codes"] for row in got}) > 2


def test_a_record_that_was_spoilt_is_named(small: Policy, tmp_path: Path) -> None:
    (tmp_path / "decisions.jsonl").write_bytes(b'{"indicators": 5}\n')
    (tmp_path / "decisions.index.json").write_bytes(b'{"abc": [0, 17, "E1"]}')
    assert "abc" in _refused(small, tmp_path)
