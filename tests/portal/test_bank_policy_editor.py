from __future__ import annotations

from uuid import uuid4

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError
from xinqiao.lending.bank_policy import Version
from xinqiao.policy.load import read_policy
from xinqiao.portal.bank_policy_editor import editor, rewritten

TEXT = read_policy("small_firm_credit")[0]


def version(text: str = TEXT) -> Version:
    return Version(uuid4(), uuid4(), "small_firm_credit", 1, text, "", 1, False, "甲", now(), now())  # noqa: FBT003 - not frozen


def test_every_place_of_the_shipped_policy_is_shown_and_saving_it_changes_nothing() -> None:
    taken = editor(version())
    assert taken.whole
    assert (len(taken.rules), len(taken.grids), len(taken.grids[0].rows)) == (11, 2, 12)
    items = [*taken.rules, *taken.derived, *(item for _, item in taken.ends)]
    items += [row for grid in taken.grids for row in grid.rows]
    form = {f"cell:{cell.path}": cell.text for item in items for cell in item.cells}
    assert rewritten(version(), form) == TEXT


def test_a_text_that_is_no_policy_is_shown_with_its_faults() -> None:
    for text in ("a: [", "just words", "", "rules: 3\n", TEXT.replace("rules:", "rulez:")):
        taken = editor(version(text))
        assert not taken.whole or taken.errors
        assert taken.errors


@settings(max_examples=15)
@given(
    st.text(max_size=30), st.sampled_from(["rules/0/if", "rules/0/name/zh", "tables/0/rows/0/1", "limit/max"])
)
def test_whatever_is_typed_the_text_stays_a_document_with_all_else_as_it_was(told: str, path: str) -> None:
    try:
        text = rewritten(version(), {f"cell:{path}": told})
    except UserError:
        return
    old, new = yaml.safe_load(TEXT), yaml.safe_load(text)
    for data in (old, new):
        place = data
        parts = [int(p) if p.isdecimal() else p for p in path.split("/")]
        for part in parts[:-1]:
            place = place[part]
        place[parts[-1]] = None
    assert old == new


def test_taken_out_rows_are_gone_with_their_edits() -> None:
    told = {"cell:rules/0/if": "x", "del:rules/0": "on", "cell:rules/1/if": "断票月数 >= 5"}
    rules = yaml.safe_load(rewritten(version(), told))["rules"]
    assert [rule["id"] for rule in rules][:2] == ["A02", "A03"]
    assert rules[0]["if"] == "断票月数 >= 5"


def test_words_of_a_grade_column_stay_words() -> None:
    row = {"new:tables/1/rows": "1", "add:tables/1/rows/0": "R9", "add:tables/1/rows/1": "0.0600"}
    assert yaml.safe_load(rewritten(version(), row))["tables"][1]["rows"][-1] == ["R9", 0.06]
    with pytest.raises(UserError):
        rewritten(version(), {"cell:rules/99/if": "x"})
