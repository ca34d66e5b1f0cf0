"""Codes of the register in words."""

from __future__ import annotations

import pytest

from xinqiao.portal.groupings import NOT_KNOWN, division_name, form_name, status_name
from xinqiao.source.contract import contract


@pytest.mark.parametrize(("field", "named"), [("status", status_name), ("kind", form_name)])
def test_every_value_of_the_register_has_a_word(field: str, named: object) -> None:
    values = contract("registry").fields[field].values
    assert values
    assert callable(named)
    assert NOT_KNOWN not in [named(value) for value in values]
    assert named(None) == NOT_KNOWN


def test_the_generated_region_has_names() -> None:
    assert division_name("990103").zh == "示范3区"
    assert division_name("990100").zh == "示范市"
