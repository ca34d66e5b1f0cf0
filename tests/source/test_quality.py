from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.source.contract import contracts, load_contract
from xinqiao.source.ingest import ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import load_mapping
from xinqiao.source.quality import Quality, quality

MAPPING = """
id: small
name: {zh: 小, en: small}
files:
  - label: 登记
    match: registry.csv
    source: registry
    columns: {company_id: 企业代号, name: 企业名称, industry_code: 行业, known_on: 获知日期}
  - label: 许可
    match: court.csv
    source: court_list
    columns:
      company_id: 企业代号
      entry_no: 文书号
      list: 名单
      subject: 对象
      listed_on: 列入
      removed_on: 移出
      known_on: 获知日期
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    data = tmp_path / "data"
    data.mkdir()
    (data / "registry.csv").write_text(
        "企业代号,企业名称,行业,获知日期\nA,示例甲,C13,2024-01-01\nB,示例乙,,2024-01-01\nC,示例丙,,2024-01-01\nD,示例丁,,2024-01-01\n",
        encoding="utf-8",
    )
    (data / "court.csv").write_text(
        "企业代号,文书号,名单,对象,列入,移出,获知日期\n"
        "A,1,dishonest,company,2024-01-01,,2024-01-11\n"
        "A,2,dishonest,company,2024-02-01,2024-05-01,2024-06-01\n"
        "B,3,unheard of,company,2024-02-01,,2024-02-02\n",
        encoding="utf-8",
    )
    (tmp_path / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    lake = Lake(tmp_path / "lake")
    ingest_folder(data, load_mapping(tmp_path / "mapping.yaml"), lake)
    return lake


def test_a_hand_worked_case(lake: Lake) -> None:
    """Three rows read, one quarantined (list unknown): two kept, both about firm A of four registered."""
    found = quality(lake, contracts()["court_list"])
    assert (found.read, found.kept, found.quarantined) == (3, 2, 1)
    assert found.coverage == 1 / 4
    assert (found.first, found.last) == (date(2024, 1, 1), date(2024, 2, 1))
    # lags 10 and 121 days, the courts' allowance is 30
    assert found.lag_days == 65.5
    assert found.timeliness == 0.5
    assert found.filled["removed_on"] == 0.5
    assert found.completeness == pytest.approx((6 + 0.5) / 7)
    assert found.score == pytest.approx(100 * (2 / 3 + 6.5 / 7 + 0.5) / 3)


def test_a_contract_without_data_has_no_score_but_says_so(lake: Lake) -> None:
    found = quality(lake, contracts()["tax_return"])
    assert (found.read, found.companies, found.registered) == (0, 0, 4)
    assert found.score is None
    assert found.validity is None
    assert found.coverage == 0


def test_without_a_register_there_is_no_coverage(tmp_path: Path) -> None:
    assert quality(Lake(tmp_path), contracts()["tax_return"]) == Quality(0, 0, 0, 0, 0, registered=0)
    assert quality(Lake(tmp_path), contracts()["tax_return"]).coverage is None


@pytest.mark.parametrize("word", ["blood_type", "户籍", "marital_status", "call detail"])
def test_what_the_law_forbids_to_collect_is_refused_when_a_contract_is_registered(word: str) -> None:
    text = (
        f"id: x\nname: {{zh: 甲, en: x}}\nsource: TEL\nholder: {{zh: 甲, en: x}}\ngrain: {{zh: 甲, en: x}}\n"
        "sensitivity: L3\nkeys: []\ncompany: company_id\n"
        "event: known_on\nknown: known_on\npartition: []\nfields:\n"
        "  company_id: {type: id, required: true, sensitivity: L2, name: {zh: 企业, en: firm}}\n"
        f'  extra: {{type: text, sensitivity: L3, name: {{zh: "{word}", en: "{word}"}}}}\n'
        "  known_on: {type: date, required: true, sensitivity: L2, name: {zh: 获知日, en: date known}}\n"
        "checks: []\n"
    )
    with pytest.raises(UserError) as caught:
        load_contract(text, "x.yaml")
    assert caught.value.code == "CON-FORBIDDEN"
