"""A party's part of a model in its own folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.modelling.columns import block
from xinqiao.privacy.modelling.model_part import ModelPart
from xinqiao.scoring.card import Card

MODEL = "ab" * 32


def part(party: str = "tax") -> ModelPart:
    table = pa.table({"paid": [1.0, 2.0, 3.0, None] * 10, "kind": ["a", "b", None, "a"] * 10})
    own = block(table, ["paid", "kind"], 3)
    card = own.card(np.linspace(-1, 1, own.matrix.shape[1]))
    return ModelPart(model=MODEL, party=party, parties=("bank", "tax"), rows=40, card=card)


def test_a_part_comes_back_and_is_readable_by_its_node_alone(tmp_path: Path) -> None:
    written = part().save(tmp_path)
    part().save(tmp_path)
    assert written.stat().st_mode & 0o777 == 0o600
    assert ModelPart.load(tmp_path, MODEL, "tax") == part()
    assert list(tmp_path.iterdir()) == [written]


@pytest.mark.parametrize("model", ["cd" * 32, "../../etc/passwd", "AB" * 32])
def test_a_part_that_is_not_there(tmp_path: Path, model: str) -> None:
    part().save(tmp_path)
    with pytest.raises(UserError, match="PRV-MODEL-PART"):
        ModelPart.load(tmp_path, model, "tax")


def test_another_party_s_part_and_a_broken_file_are_refused(tmp_path: Path) -> None:
    written = part("bank").save(tmp_path)
    with pytest.raises(UserError, match="PRV-MODEL-PART"):
        ModelPart.load(tmp_path, MODEL, "tax")
    written.write_bytes(b"{")
    with pytest.raises(UserError, match="PRV-MODEL-PART"):
        ModelPart.load(tmp_path, MODEL, "bank")


def test_units_are_whole_and_add_up_to_the_card_s_points() -> None:
    rows = {"paid": [1.0, None, 2.5], "kind": ["b", "new", None]}
    found = part().units(pa.table(rows))
    shown = [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)]
    assert [u / 100 for u in found.tolist()] == [part().card.score_one(row) for row in shown]


def test_a_part_without_variables_gives_its_base_points() -> None:
    empty = part().model_copy(update={"card": Card(base_points=550.25, digits=2, variables=())})
    assert empty.units(pa.table({"id": ["a", "b"]})).tolist() == [55025, 55025]
    assert empty.units({"id": ["a"]}).tolist() == [55025]
