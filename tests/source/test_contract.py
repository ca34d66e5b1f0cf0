from __future__ import annotations

from importlib.resources import files

import pyarrow as pa
import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.source.contract import contract, contracts, load_contract
from xinqiao.source.forbidden import forbidden_reason

TEXT = files("xinqiao").joinpath("catalog", "contracts", "invoice.yaml").read_text("utf-8")


def test_the_catalog_loads_and_ids_are_file_names() -> None:
    assert {"invoice", "registry", "credit"} <= set(contracts())
    assert contract("invoice").fields["amount_cents"].arrow == pa.int64()
    assert contract("credit").fields["bank_rating"].outcome
    assert len(contract("invoice").version) == 16


def test_an_unknown_contract_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"CON-UNKNOWN.*invoice"):
        contract("invoices")


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("company: company_id", "company: firm", "CON-FIELD", 9),
        ("event: issued_on", "event: status", "CON-TYPE", 10),
        ("partition: [direction]", "partition: [company_id]", "CON-TYPE", 12),
        ("expr: total_cents == amount_cents + tax_cents", "expr: total == 1", "CON-FIELD", 54),
        ("expr: total_cents == amount_cents + tax_cents", "expr: total_cents ==", "EXPR-SYNTAX", 54),
        ("expr: total_cents == amount_cents + tax_cents", "expr: total_cents + 1", "CON-CHECK", 54),
        ("expr: total_cents == amount_cents + tax_cents", "expr: total_cents > status", "CON-CHECK", 54),
        ("expr: total_cents == amount_cents + tax_cents", "expr: sqrt(total_cents) > 1", "CON-CHECK", 54),
        ("field: tax_cents, expr: -tax_cents", "field: taxes, expr: -tax_cents", "CON-FIELD", 57),
        ("field: tax_cents, expr: -tax_cents", "field: tax_cents, expr: status", "CON-CHECK", 57),
        ("unique: [company_id, direction, invoice_no]", "unique: [nobody]", "CON-FIELD", 77),
        ("expr: amount_cents < 0\n", "unknown: 1\n", "DOC-SHAPE", 70),
        ("{type: time,", "{type: moment,", "DOC-SHAPE", 24),
        ("values: [input, output]", "", "CON-TYPE", 15),
        ("issued_at:", "血型:", "CON-FORBIDDEN", 24),
        ("zh: 开票时刻", "zh: 法人婚姻状况", "CON-FORBIDDEN", 24),
        ("en: issue time of day", "en: ＢＬＯＯＤ.type", "CON-FORBIDDEN", 24),
        ("values: [input, output]", "values: [input, output, 疾病]", "CON-FORBIDDEN", 15),
        ("en: VAT invoices", "en: call records", "CON-FORBIDDEN", 3),
        ("source: INV", "source: NOPE", "CON-SOURCE", 4),
        ("id: invoice", 'id: "[/red]; DROP TABLE x"', "CON-TYPE", 2),
        ("issued_at:", "'a\" OR 1=1 --':", "CON-TYPE", 24),
        ("issued_at:", "_file:", "CON-TYPE", 24),
    ],
)
def test_a_fault_is_found_at_load_with_its_line(old: str, new: str, code: str, line: int) -> None:
    assert old in TEXT
    with pytest.raises(UserError) as error:
        load_contract(TEXT.replace(old, new, 1), "invoice.yaml")
    assert error.value.code == code
    assert abs(int(error.value.where.split(":")[1]) - line) <= 2, error.value.where


@pytest.mark.parametrize(
    "name",
    [
        *(
            "法人血型",
            "Blood_Type",
            "personal-income of owner",
            "ｒｅｌｉｇｉｏｎ",
            "BLOOD.TYPE",
            "blood\u00a0type",
        ),
        *(
            "宗·教",
            "血\u200b型",
            "疾\u00ad病",
            "宗\ufe0f教",
            "religíon",
            "醫保",
            "owner_income",
            "实际控制人 存款",
        ),
        *("genes", "r/e/l/i/g/i/o/n", "call log", "個人收入"),
    ],
)
def test_names_are_forbidden_however_they_are_spelt(name: str) -> None:
    assert forbidden_reason(name)


@pytest.mark.parametrize(
    "name", ["企业名称", "brand name", "营业收入", "income_tax_cents", "generated", "账户口径", "real_estate"]
)
def test_what_is_no_personal_matter_is_allowed(name: str) -> None:
    assert forbidden_reason(name) is None


def test_the_version_follows_the_text() -> None:
    assert load_contract(TEXT, "a").version == load_contract(TEXT, "b").version
    assert load_contract(TEXT, "a").version != load_contract(TEXT + "\n# more\n", "a").version
