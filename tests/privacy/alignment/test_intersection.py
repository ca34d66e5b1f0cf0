"""The kind ``intersection``: what it accepts, what it says is learnt, and equality with plain sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.privacy.manifests import data, manifest, run_all
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.alignment.intersection import KIND, choose
from xinqiao.privacy.job.kind import kind_of
from xinqiao.privacy.job.manifest import Engine, Manifest
from xinqiao.privacy.spu.engine import VERSION

NAMES = ("bank", "tax", "power")
SPU = Engine(name="spu", version=VERSION)


def agreed(
    params: Mapping[str, Any] | None = None, holders: int = 2, engine: Engine | None = None
) -> Manifest:
    parties = {name: ("holder", data("amount")) for name in NAMES[:holders]}
    return manifest("intersection", parties, params, engine=engine)


keys = st.lists(st.one_of(st.none(), st.sampled_from([f"g{number}" for number in range(8)])), max_size=12)


@given(told=st.lists(keys, min_size=2, max_size=3), only_count=st.booleans(), draws=st.data())
@settings(max_examples=15, deadline=None)
def test_gives_each_party_what_plain_sets_give(
    told: list[list[str | None]],
    only_count: bool,  # noqa: FBT001 - hypothesis gives it by name
    draws: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    to = draws.draw(st.sampled_from(["all", ["bank"], ["tax", "bank"]]))
    one = agreed({"result_to": to, "count": only_count}, len(told))
    tables = {
        name: pa.table({"id": pa.array(rows, pa.string()), "amount": range(len(rows))})
        for name, rows in zip(NAMES, told, strict=False)
    }
    found = run_all(one, KIND.run, tables, tmp_path_factory.mktemp("run"))
    assert found == KIND.plain(one, tables)


def test_all_rows_of_a_common_id_are_delivered_and_only_to_receivers(tmp_path: Path) -> None:
    tables = {
        "bank": pa.table({"id": ["b", "a", "b", None], "amount": [1, 2, 3, 4]}),
        "tax": pa.table({"id": ["b", "c"], "amount": [5, 6]}),
    }
    told = run_all(agreed({"result_to": ["bank"]}), KIND.run, tables, tmp_path)
    assert told["bank"].told == {"ids": 2, "common": 1}
    assert told["bank"].table == pa.table({"id": ["b", "b"], "amount": [1, 3]})
    assert told["tax"].told == {"ids": 2}
    assert told["tax"].table is None


@pytest.mark.parametrize(
    ("params", "holders", "engine"),
    [
        ({}, 2, None),
        ({"count": True, "result_to": ["tax"]}, 3, None),
        ({"protocol": "rr22"}, 2, SPU),
        ({"protocol": "kkrt", "result_to": ["power"]}, 3, SPU),
        ({"protocol": "unbalanced", "server": "tax", "result_to": ["bank"]}, 2, SPU),
    ],
)
def test_accepts_and_tells_all_parties_what_they_learn(
    params: Mapping[str, Any], holders: int, engine: Engine | None
) -> None:
    one = agreed(params, holders, engine)
    assert kind_of(one) is KIND
    told = KIND.learns(one)
    assert set(told) == set(one.names)
    to = params.get("result_to", one.names)
    assert {name for name, texts in told.items() if "common" in texts[0].en} == set(to)
    # a hash of the others' sets is told of the engine, and of it only
    assert all(any("hash" in text.en for text in texts) == (engine is not None) for texts in told.values())


@pytest.mark.parametrize(
    ("params", "holders", "engine"),
    [
        ({"result": "all"}, 2, None),
        ({"result_to": []}, 2, None),
        ({"result_to": ["bank", "bank"]}, 2, None),
        ({"result_to": ["police"]}, 2, None),
        ({"result_to": "bank"}, 2, None),
        ({"count": 1}, 2, None),
        ({"protocol": "semi2k"}, 2, None),
        ({"protocol": "rr22"}, 2, None),
        ({"protocol": "rr22"}, 2, Engine(name="spu", version="0.9.4")),
        ({}, 2, SPU),
        ({"protocol": "rr22"}, 3, SPU),
        ({"protocol": "kkrt"}, 2, SPU),
        ({"protocol": "kkrt", "result_to": ["bank", "tax"]}, 3, SPU),
        ({"protocol": "rr22", "count": True}, 2, SPU),
        ({"protocol": "rr22", "server": "tax"}, 2, SPU),
        ({"protocol": "unbalanced", "result_to": ["bank"]}, 2, SPU),
        ({"protocol": "unbalanced", "server": "tax"}, 2, SPU),
        ({"protocol": "unbalanced", "server": "tax", "result_to": ["tax"]}, 2, SPU),
    ],
)
def test_refuses_what_does_not_fit(params: Mapping[str, Any], holders: int, engine: Engine | None) -> None:
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        kind_of(agreed(params, holders, engine))


def test_chooses_by_sizes_and_engine() -> None:
    assert choose([1000, 1000], engine=False) == "dh"
    assert choose([1000, 2000], engine=True) == "rr22"
    assert choose([1000, 1_000_000], engine=True) == "unbalanced"
    assert choose([0, 200], engine=True) == "unbalanced"
    assert choose([10, 10, 1_000_000], engine=True) == "kkrt"
