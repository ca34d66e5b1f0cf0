from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from xinqiao.indicator.definition import indicators
from xinqiao.indicator.snapshot import MISSING_SCHEMA, Snapshot
from xinqiao.kernel.errors import UserError
from xinqiao.portrait.tag import load, tag_companies, tags

FILE = """
dimensions: {size: {zh: 规模, en: size}}
tags:
  BIG:
    name: {zh: 大, en: big}
    dimension: size
    tone: good
    expr: INV01 >= 100
    definition: {zh: 开票, en: invoices}
  BIG_OR_OLD:
    name: {zh: 大或老, en: big or old}
    dimension: size
    tone: plain
    expr: INV01 >= 100 or REG01 > 10
    definition: {zh: 开票, en: invoices}
"""


def _snapshot() -> Snapshot:
    values = pa.table(
        {"company_id": ["A", "B", "C"], "INV01": [100.0, 99.0, None], "REG01": [None, None, 11.0]},
    )
    return Snapshot(values, MISSING_SCHEMA.empty_table(), date(2024, 12, 31))


def test_a_tag_holds_does_not_or_is_unknown() -> None:
    found = tag_companies(_snapshot(), load(FILE, "x.yaml").tags.values())
    assert found.of() == {"A": ["BIG", "BIG_OR_OLD"], "C": ["BIG_OR_OLD"]}
    # B: 99 is not big, but whether it is old nobody knows; C: how big it is nobody knows
    assert found.unknown_of() == {"B": ["BIG_OR_OLD"], "C": ["BIG"]}


def test_without_the_indicator_the_tag_is_unknown_for_everyone() -> None:
    snapshot = Snapshot(
        _snapshot().values.drop_columns(["INV01"]), MISSING_SCHEMA.empty_table(), date(2024, 12, 31)
    )
    found = tag_companies(snapshot, load(FILE, "x.yaml").tags.values())
    assert found.of() == {}
    assert [len(v) for v in found.unknown_of().values()] == [2, 2, 2]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("INV01 >= 100\n", "INV99 >= 1\n", "PRT-INDICATOR"),
        ("dimension: size", "dimension: x", "PRT-DIMENSION"),
    ],
)
def test_a_fault_is_told_with_its_line(old: str, new: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        load(FILE.replace(old, new, 1), "x.yaml")
    assert caught.value.code == code
    assert caught.value.where.startswith("x.yaml:")


def test_the_shipped_tags_are_at_least_sixty_over_every_dimension_and_rest_on_known_indicators() -> None:
    shipped = tags()
    assert len(shipped.tags) >= 60
    assert {tag.dimension for tag in shipped.tags.values()} == set(shipped.dimensions)
    for tag in shipped.tags.values():
        assert tag.rests_on
        assert set(tag.rests_on) <= set(indicators())
    names = [tag.name.zh for tag in shipped.tags.values()]
    assert len(names) == len(set(names))
