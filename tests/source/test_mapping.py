from __future__ import annotations

from pathlib import Path

import pytest

from tests.source.conftest import MAPPING
from xinqiao.kernel.errors import UserError
from xinqiao.source.mapping import load_mapping, parse_mapping


def test_short_and_long_forms_of_a_column() -> None:
    entry = parse_mapping(MAPPING, "m.yaml").files[0]
    assert entry.columns["company_id"].column == "企业代号"
    assert entry.columns["status"].values == {"有效发票": "valid", "作废发票": "void"}
    assert {"direction", "known_on"} <= set(entry.fields)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("source: invoice", "source: bills", "CON-UNKNOWN"),
        ("counterparty: 对手", "partner: 对手", "MAP-FIELD"),
        ("      counterparty: 对手\n", "", "MAP-REQUIRED"),
        ("{direction: input}", "{direction: sideways}", "MAP-VALUE"),
        ("{known_on: issued_on}", "{known_on: status}", "MAP-VALUE"),
        ("作废发票: void", "作废发票: gone", "MAP-VALUE"),
        ("amount_cents: 金额", "amount_cents: {column: 金额, scale: 3}", "MAP-VALUE"),
        ("counterparty: 对手", "counterparty: 疾病", "CON-FORBIDDEN"),
        ("counterparty: 对手", "counterparty: {colum: 对手}", "DOC-SHAPE"),
        ("{direction: input}", "{direction: input, company_id: E1}", "MAP-FIELD"),
    ],
)
def test_faults_of_a_mapping_have_a_line(old: str, new: str, code: str) -> None:
    assert old in MAPPING
    with pytest.raises(UserError) as error:
        parse_mapping(MAPPING.replace(old, new), "m.yaml")
    assert error.value.code == code
    assert int(error.value.where.split(":")[1]) > 1


def test_version_ignores_the_label_and_follows_the_columns() -> None:
    base = parse_mapping(MAPPING, "m").files[0]
    assert parse_mapping(MAPPING.replace("label: 进项", "label: other"), "m").files[0].version == base.version
    assert parse_mapping(MAPPING.replace("对手\n", "购方\n"), "m").files[0].version != base.version


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="SRC-NOT-A-FILE"):
        load_mapping(tmp_path / "none.yaml")


def test_the_contest_mapping_loads_and_separates_inputs_from_outputs() -> None:
    mapping = load_mapping(Path(__file__).parent.parent / "mappings" / "cumcm2020c.yaml")
    found = mapping.entries_for("a1_input_invoices.csv.gz")
    assert [entry.label for entry in found] == ["a1 进项"]
    assert {entry.source for entry in mapping.entries_for("a1_enterprises.csv")} == {"registry", "credit"}
