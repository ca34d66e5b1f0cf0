"""Samples of scoring by trees in parts."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from tests.privacy.joint_data import PARTIES, tables
from tests.privacy.manifests import data, manifest
from tests.privacy.samples import Sample
from xinqiao.kernel.canonical import digest
from xinqiao.privacy.modelling.tree_growth import Node
from xinqiao.privacy.modelling.tree_part import TreePart
from xinqiao.scoring.binning import unfilled

MODEL = digest(b"trees of a sample")


def _part(party: str, column: str, edge: float, trees: tuple[tuple[Node, ...], ...] = ()) -> TreePart:
    return TreePart(
        model=MODEL,
        party=party,
        parties=tuple(PARTIES),
        variables=(unfilled(column, edges=(edge,)),),
        cuts=((0, 1),),
        base=-0.5,
        trees=trees,
    )


TREE = (
    Node(party="tax", number=0, left=1, right=2),
    Node(party="power", number=0, left=3, right=4),
    Node(party="bank", number=0, left=5, right=6),
    *(Node(value=value) for value in (0.5, 0.25, -0.125, -0.75)),
)
PARTS = {
    "bank": _part("bank", "turnover", 0.1, (TREE,)),
    "tax": _part("tax", "paid", -0.2),
    "power": _part("power", "used", 0.3),
}


def _tables() -> dict[str, pa.Table]:
    own = tables(120)
    own["bank"] = own["bank"].select(["id", "turnover"])
    return {
        name: table.replace_schema_metadata({"tree_part": PARTS[name].model_dump_json()})
        for name, table in own.items()
    }


def _prepare(states: Path) -> None:
    for name, part in PARTS.items():
        (states / name).mkdir(parents=True, exist_ok=True)
        part.save(states / name)


SAMPLES = {
    "tree_score": Sample(
        manifest("tree_score", PARTIES | {"bank": ("bank", data("turnover"))}, {"model": MODEL}),
        _tables(),
        prepare=_prepare,
    )
}
