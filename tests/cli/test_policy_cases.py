from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from typer.testing import CliRunner

from xinqiao.city.cases import generate_cases
from xinqiao.cli.main import build
from xinqiao.policy.load import load_policy


def test_cases_are_written_and_called_generated(tmp_path: Path) -> None:
    out = tmp_path / "new" / "cases.parquet"
    words = ["policy", "cases", "--rows", "50", "--seed", "3", "--out", str(out)]
    result = CliRunner().invoke(build("policy cases"), words)
    assert result.exit_code == 0, result.output
    assert "模拟案例" in result.output
    table = pq.read_table(out)
    again = generate_cases(load_policy("small_firm_credit"), 50, 3)
    assert str(table.to_pydict()) == str(again.to_pydict())  # as texts: NaN is not equal to itself
    assert table.schema.metadata[b"generated"] == b"true"
    assert list(out.parent.iterdir()) == [out]
