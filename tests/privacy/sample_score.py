"""Generated subjects, expert cards in parts, and the sample of the kind ``joint_score``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pyarrow as pa

from tests.privacy.manifests import data, manifest
from tests.privacy.samples import Sample
from xinqiao.kernel.text import Text
from xinqiao.privacy.modelling.model_part import ModelPart
from xinqiao.scoring.card import Bin, Card, Variable

MODEL = hashlib.sha256(b"a model").hexdigest()
RANGES = {"bank_points": [300, 800], "holder_points": [-150, 150]}
CUTOFFS = [500, 560, 620, 680]
GRADES = {"answer": "grade", "cutoffs": CUTOFFS, **RANGES}


def card(name: str, base: float, *points: float) -> Card:
    labels = [Text(zh=str(n), en=str(n)) for n in range(len(points))]
    ranges = [Bin(kind="range", label=label, points=p) for label, p in zip(labels, points, strict=True)]
    missing = Bin(kind="missing", label=Text(zh="缺失", en="missing"), points=-7.5)
    edges = tuple(float(10 * n) for n in range(1, len(points)))
    return Card(
        digits=1, base_points=base, variables=(Variable(name=name, edges=edges, bins=(*ranges, missing)),)
    )


CARDS = {
    "bank": card("income", 600.0, -40.5, 0.0, 33.3),
    "tax": card("tax_paid", 0.0, -61.2, -5.0, 48.9),
    "power": card("kwh", 0.0, -30.4, 12.1),
    "water": card("litres", 0.0, -3.0, 12.0),
}


def tables(*holders: str, absent: bool = True) -> dict[str, pa.Table]:
    told = {}
    for number, name in enumerate(("bank", *holders)):
        keys = [f"s{n:03d}" for n in range(30) if not (absent and number and n % (7 + number) == 3)]
        keys = keys if name == "bank" else [*keys[::-1], "unasked"]
        values: list[float | None] = [
            None if n % 11 == 5 else (n * (3 + number)) % 31 for n in range(len(keys))
        ]
        part = ModelPart(model=MODEL, party=name, parties=("bank", *holders), rows=100, card=CARDS[name])
        found = pa.table({"id": keys, CARDS[name].names[0]: pa.array(values, pa.float64())})
        told[name] = found.replace_schema_metadata({"model_part": part.model_dump_json()})
    return told


def keep_parts(given: Mapping[str, pa.Table], folder: Path) -> None:
    for name, table in given.items():
        state = folder / name
        state.mkdir(parents=True, exist_ok=True)
        ModelPart.model_validate_json(table.schema.metadata[b"model_part"]).save(state)


def _sample() -> Sample:
    holders, given = ("tax", "power"), tables("tax", "power")
    parties = {"bank": ("bank", data(CARDS["bank"].names[0], rows_at_most=1000))}
    parties |= {name: ("holder", data(CARDS[name].names[0])) for name in holders}
    told = manifest("joint_score", parties, {"model": MODEL, "lowered": 30, **GRADES})
    return Sample(told, given, prepare=partial(keep_parts, given))


SAMPLES = {"joint_score": _sample()}
