from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.command import call
from tests.report.html_check import check
from xinqiao.source.ingest import ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import load_mapping

MAPPING = """
id: small
name: {zh: 小, en: small}
files:
  - label: 登记
    match: registry.csv
    source: registry
    columns:
      company_id: 企业
      name: 名称
      status: 状态
      address: 住所
      legal_representative_hash: 法人
      known_on: 获知
"""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    rows = [f"{c},示例<b>{c}</b>,active,示例市第1大街,p-{c},2024-01-01" for c in "ABC"]
    (data / "registry.csv").write_text(
        "企业,名称,状态,住所,法人,获知\n" + "\n".join(rows) + "\n", encoding="utf-8"
    )
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    ingest_folder(data, load_mapping(tmp_path / "m.yaml"), Lake(tmp_path / "lake"))
    return tmp_path / "lake"


def test_leads_with_their_evidence_beside_what_was_planted(lake: Path, tmp_path: Path) -> None:
    truth = pa.table(
        {
            "rule": ["FC01"] * 2,
            "scheme": ["1", "1"],
            "company_id": ["A", "B"],
            "first": pa.array([None, None], pa.date32()),
            "last": pa.array([None, None], pa.date32()),
            "innocent": [False, False],
        }
    )
    pq.write_table(truth, tmp_path / "fraud.parquet")
    out = tmp_path / "out"
    told = call(
        *(
            "leads",
            "--as-of",
            "2024-12-31",
            "--lake",
            lake,
            "--out",
            out,
            "--truth",
            tmp_path / "fraud.parquet",
        )
    )
    assert told.code == 0, told.err
    found = [json.loads(line) for line in (out / "leads.jsonl").read_text("utf-8").splitlines()]
    assert [(lead["rule"], lead["company_id"]) for lead in found] == [("FC01", c) for c in "ABC"]
    assert found[0]["edges"][0]["kind"] == "address"
    assert "66.7%" in told.out  # two of the three named were planted
    html = (out / "index.html").read_text("utf-8")
    check(html)
    assert "<b>A</b>" not in html
    assert "生成数据" in html
    assert "须由人核实" in html


def test_a_rule_not_asked_is_not_shown_as_finding_nothing(lake: Path, tmp_path: Path) -> None:
    words = ["--rule", "FC03", "--rule", "FC01", "--rule", "FC01"]
    told = call("leads", "--as-of", "2024-12-31", "--lake", lake, "--out", tmp_path / "o", *words)
    assert told.code == 0
    assert [told.out.count(rule) for rule in ("FC01", "FC03", "FI01")] == [1, 1, 0]
    assert told.out.index("FC01") < told.out.index("FC03")
    html = (tmp_path / "o" / "index.html").read_text("utf-8")
    assert ("FC01" in html, "FI01" in html) == (True, False)


@pytest.mark.parametrize("change", [{"first": ["2024"]}, {"scheme": [["1"]]}, {"innocent": ["perhaps"]}])
def test_a_truth_of_other_types(lake: Path, tmp_path: Path, change: dict[str, list[object]]) -> None:
    given: dict[str, list[object]] = {
        "rule": ["FC01"],
        "scheme": ["1"],
        "company_id": ["A"],
        "first": [None],
        "last": [None],
        "innocent": [False],
    }
    pq.write_table(pa.table(given | change), tmp_path / "t.parquet")
    words = ("--lake", lake, "--as-of", "2024-12-31", "--out", tmp_path / "o")
    told = call("leads", *words, "--truth", tmp_path / "t.parquet")
    assert (told.code, "CAT-FILE" in told.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--lake", "nowhere"], "CAT-NO-LAKE"),
        (["--rule", "FX1"], "REL-RULE"),
        (["--truth", "nowhere"], "CAT-FILE"),
        (["--as-of", "soon"], "RUN-DATE"),
    ],
)
def test_faults_are_told(lake: Path, words: list[str], code: str) -> None:
    given = ["--lake", str(lake), "--as-of", "2024-12-31", "--out", str(lake.parent / "o"), *words]
    told = call("leads", *given)
    assert told.code == 2
    assert code in told.err
