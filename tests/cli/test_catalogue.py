from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import call
from xinqiao.source.contract import contracts


def test_a_contract_is_checked_before_it_is_registered(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("id: x\n", encoding="utf-8")
    told = call("catalogue", "--check", file)
    assert told.code == 2
    assert "DOC-SHAPE" in told.err


@pytest.mark.parametrize(
    ("words", "code"), [(["--lake", "nowhere"], "CAT-NO-LAKE"), (["--check", "nowhere"], "CAT-FILE")]
)
def test_what_is_not_there_is_said(words: list[str], code: str) -> None:
    told = call("catalogue", *words)
    assert told.code == 2
    assert code in told.err


def test_the_page_of_an_ingested_lake(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "registry.csv").write_text("企业代号,企业名称,获知日期\nA,示例甲,2024-01-01\n", encoding="utf-8")
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        "id: m\nname: {zh: 小, en: small}\nfiles:\n"
        "  - label: 登记\n    match: registry.csv\n    source: registry\n"
        "    columns: {company_id: 企业代号, name: 企业名称, known_on: 获知日期}\n",
        encoding="utf-8",
    )
    lake = tmp_path / "lake"
    assert call("ingest", "registry", data / "registry.csv", "--mapping", mapping, "--lake", lake).code == 0
    told = call("catalogue", "--lake", lake, "--out", tmp_path / "c.html")
    assert told.code == 0, told.err
    html = (tmp_path / "c.html").read_text("utf-8")
    assert all(f"<code>{name}</code>" in html for name in contracts())
