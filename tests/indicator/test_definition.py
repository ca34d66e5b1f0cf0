"""Faults in a catalog are found when it is loaded, with file and line."""

from __future__ import annotations

import re

import pytest

from xinqiao.indicator.compiler import AS_OF
from xinqiao.indicator.definition import catalog, indicators, load
from xinqiao.kernel.errors import UserError

GOOD = """source: INV
covered_by: invoice
views:
  - id: v
    from: invoice
    columns:
      big: amount_cents > 100
    by: [company_id]
    measures:
      n: count_if(big)
indicators:
  - id: I1
    name: {zh: 名, en: name}
    formula: {zh: 式, en: formula}
    window: 12M
    unit: count
    direction: "+"
    expr: n
    needs:
      - {expr: n > 0, reason: NO_VALUE}
    red_flag: {expr: value > 3, text: {zh: 红, en: red}}
"""

FAULTS = [
    ("amount_cents > 100", "amount > 100", "IND-NAME", 7),
    ("count_if(big)", "count_of(big)", "IND-FUNCTION", 10),
    ("count_if(big)", "sum_if(big)", "IND-ARGUMENTS", 10),
    ("count_if(big)", "top_sum(amount_cents, big)", "IND-ARGUMENTS", 10),
    ("count_if(big)", "amount_cents + 1", "IND-AGGREGATE", 10),
    ("count_if(big)", "sum(max(amount_cents))", "IND-AGGREGATE", 10),
    ("count_if(big)", "count_if(big", "EXPR-SYNTAX", 10),
    ("from: invoice", "from: invoices", "IND-VIEW", 4),
    ("by: [company_id]", "by: [firm]", "IND-NAME", 4),
    ("by: [company_id]", "by: []", "IND-VIEW", 4),
    ("by: [company_id]", "by: [company_id]\n    dense: 12", "IND-VIEW", 4),
    ("from: invoice", "from: v", "IND-VIEW", 4),
    ("expr: n\n", "expr: m\n", "IND-NAME", 18),
    ("expr: n\n", "expr: count_if(n)\n", "IND-FUNCTION", 18),
    ("expr: n > 0", "expr: k > 0", "IND-NAME", 20),
    ("reason: NO_VALUE", "reason: BECAUSE", "IND-SHAPE", 20),
    ("value > 3", "worth > 3", "IND-NAME", 21),
    ("unit: count", "unit: parsec", "IND-SHAPE", 16),
    ("unit: count", "unit: count\n    colour: red", "DOC-SHAPE", 17),
    ("covered_by: invoice", "covered_by: nothing", "IND-VIEW", 18),
]


def test_the_good_one_loads() -> None:
    assert list(load({"x.yaml": GOOD}).indicators) == ["I1"]


@pytest.mark.parametrize(("good", "bad", "code", "line"), FAULTS)
def test_fault_is_told_with_its_line(good: str, bad: str, code: str, line: int) -> None:
    assert good in GOOD
    with pytest.raises(UserError) as caught:
        load({"x.yaml": GOOD.replace(good, bad, 1)})
    assert caught.value.code == code
    assert caught.value.where.startswith(f"x.yaml:{line}")


def test_outcomes_are_no_material_for_indicators() -> None:
    text = GOOD.replace("from: invoice", "from: credit").replace("amount_cents > 100", "defaulted")
    with pytest.raises(UserError, match="IND-NAME"):
        load({"x.yaml": text})


def test_the_same_id_twice_is_told() -> None:
    with pytest.raises(UserError, match="IND-DUPLICATE"):
        load({"x.yaml": GOOD, "y.yaml": GOOD})


SOURCES = re.findall(
    r"([A-Z]{3})(\d+)",
    "REG17 TAX20 INV28 SOC9 HPF5 ELE17 WGS5 JUD11 ADM7 ENV5 IPR10 CUS6 TEL6 BNK16 CRD11 OPN5 NET7",
)
"""Indicators of the data catalogue by source: 185."""


def test_shipped_catalog_has_the_185_indicators_of_the_data_catalogue() -> None:
    known = indicators()
    wanted = {f"{name}{n:02}": name for name, count in SOURCES for n in range(1, int(count) + 1)}
    assert len(wanted) == 185
    assert {name: known[name].source for name in wanted if name in known} == wanted
    own = re.compile(r"(XQ|XC)[0-9]{2}[A-Z]?")  # beyond the data catalogue
    others = [name for name in known if name not in wanted and not own.fullmatch(name)]
    assert {name for name in others if name[:-1] not in wanted} == set()  # companions of one that is there


def test_every_indicator_is_worded_in_two_languages() -> None:
    for indicator in indicators().values():
        flag = [indicator.red_flag.text] if indicator.red_flag else []
        texts = [indicator.name, indicator.formula, indicator.missing, *flag]
        assert all(text.zh.strip() and text.en.strip() for text in texts), indicator.id


def test_date_is_a_name_everywhere() -> None:
    text = GOOD.replace("amount_cents > 100", f"issued_on <= {AS_OF}")
    assert "big" in load({"x.yaml": text}).views["v"].columns
    assert catalog().views["invoices"].columns
