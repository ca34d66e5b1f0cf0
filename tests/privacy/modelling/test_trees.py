"""Boosted trees over several parties: those of the plain way bit for bit, and what each party sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_breast_cancer

from tests.privacy.joint_data import DEALT, PARTIES, shorten, tables, traces
from tests.privacy.manifests import data, manifest, run_all
from xinqiao.db.database import new_id
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.kind import kind_of
from xinqiao.privacy.job.link import Link, Recorded
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling.label_features import binned, joined_plain
from xinqiao.privacy.modelling.tree_growth import Local, boost
from xinqiao.privacy.modelling.tree_part import TreePart, log_odds
from xinqiao.privacy.modelling.tree_terms import TreeParams
from xinqiao.privacy.modelling.trees import KIND, _drawn, labelled, measured, plain, run
from xinqiao.scoring.boosted import BoostedTrees
from xinqiao.scoring.columns import Columns, read_columns
from xinqiao.scoring.metrics import auc

PARAMS = {"label": "bad", "trees": 4, "depth": 3, "bins": 8, "least": 10, "rate": 0.4}


@pytest.fixture
def short_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)


@pytest.mark.usefixtures("short_keys")
@pytest.mark.parametrize("way", ["paillier", "okamoto_uchiyama", "dealer"])
def test_private_trees_are_the_plain_ones(way: str, tmp_path: Path) -> None:
    parties = DEALT if way == "dealer" else PARTIES
    scheme = {} if way == "dealer" else {"encryption": way}
    asked, own = manifest("trees", parties, PARAMS | scheme), tables(400)
    KIND.check(asked)
    ends: list[Recorded] = []

    def recorded(link: Link) -> Link:
        ends.append(Recorded(link, keep=True))
        return ends[-1]

    found = run_all(asked, run, own, tmp_path, wrap=recorded)
    assert found == plain(asked, own)
    seen = [piece for table in own.values() for piece in traces(table)]
    for end in ends:
        assert not [line for line, payload in end.payloads if any(piece in payload for piece in seen)]
    told = found["bank"].told
    assert sum(told["cuts"].values()) > 0
    assert {name: found[name].told["cuts"] for name in ("tax", "power")} == {
        name: told["cuts"][name] for name in ("tax", "power")
    }
    assert set(KIND.learns(asked)) == set(parties)
    assert any("an honest one too" in text.en for text in KIND.learns(asked)["bank"])
    rows = joined_plain(asked, own)
    parts = {name: TreePart.load(tmp_path / "state" / name, asked.digest, name) for name in rows}
    odds = log_odds(
        parts["bank"].trees,
        parts["bank"].base,
        {name: part.sides(rows[name]) for name, part in parts.items()},
        rows["bank"].num_rows,
    )
    assert len(odds) == told["rows"]
    assert auc(odds, np.array(rows["bank"]["bad"], dtype=np.float64)) > 0.7
    assert not parts["tax"].trees
    for name in rows:
        file = tmp_path / "state" / name / f"trees-{asked.digest}.json"
        assert file.stat().st_mode & 0o777 == 0o600
    of_tax = json.loads((tmp_path / "state" / "tax" / f"trees-{asked.digest}.json").read_text())
    assert not any(bin_["bad"] for variable in of_tax["variables"] for bin_ in variable["bins"])


def test_trees_grow_as_those_of_a_library_do() -> None:
    """Trap: binned, joined, rounded and with a first tree of the bank alone, they tell as much."""
    own = tables(4000)
    params = PARAMS | {"trees": 40, "rate": 0.15, "bins": 32, "test_share": 0.4}
    asked = manifest("trees", PARTIES, params).model_copy(update={"job": UUID(int=2)})  # draws test rows
    told, rows = plain(asked, own)["bank"].told, joined_plain(asked, own)
    bad = np.array(rows["bank"]["bad"], dtype=np.float64)
    columns = [
        read_columns(table.drop_columns([n for n in ("id", "bad") if n in table.column_names]))
        for table in rows.values()
    ]
    names = [name for some in columns for name in some.names]
    pooled = Columns(names, [c.column(n) for c in columns for n in c.names], len(bad))
    half = np.arange(len(bad)) % 5 < 3
    fitted = BoostedTrees(trees=40, learning_rate=0.15, depth=4, column_share=1.0, ridge=1.0).fit(
        _rows(pooled, half), bad[half]
    )
    library = auc(fitted.decision_function(_rows(pooled, ~half)), bad[~half])
    assert told["joint"]["auc"] > library - 0.03
    assert told["joint"]["auc"] > told["alone"]["auc"] + 0.05


def _together(asked: Manifest, own: dict[str, pa.Table]) -> float:
    """AUC on the same test rows where all columns lie in one place."""
    rows, params = joined_plain(asked, own), TreeParams.model_validate(asked.params)
    label, train = labelled(asked, rows["bank"], params)
    whole = pa.table({c: t[c] for t in rows.values() for c in t.column_names if c not in {"id", "bad"}})
    _, bins = binned(whole, whole.column_names, params.bins)
    odds = boost(label, train, [Local("pooled", bins, params.least)], params.shape).odds
    return auc(odds[~train], label[~train])


def _public() -> dict[str, pa.Table]:
    """A public set of measured tumours (Wisconsin, from scikit-learn), its columns split by party."""
    values, target = load_breast_cancer(return_X_y=True)
    ids = [f"case{n}" for n in range(len(target))]
    columns = {f"x{n}": values[:, n] for n in range(values.shape[1])}
    return {
        "bank": pa.table({"id": ids, "bad": 1 - target} | {f"x{n}": columns[f"x{n}"] for n in range(10)}),
        "tax": pa.table({"id": ids} | {f"x{n}": columns[f"x{n}"] for n in range(10, 30)}),
    }


def _gap(parties: dict[str, Any], own: dict[str, pa.Table], number: int) -> tuple[float, float]:
    """AUC of joint trees, and by how much it is above that of trees in one place."""
    params = {"label": "bad", "trees": 20, "bins": 16, "least": 10, "test_share": 0.4}
    asked = manifest("trees", parties, params).model_copy(update={"job": UUID(int=number)})
    joint = plain(asked, own)["bank"].told["joint"]["auc"]
    return joint, joint - _together(asked, own)


def test_joint_trees_are_as_good_as_trees_in_one_place() -> None:
    """Though the first tree is the bank's alone: within .005, over three draws of the test rows."""
    public = _public()
    parties = {
        "bank": ("bank", data(*public["bank"].column_names[1:])),
        "tax": ("holder", data(*public["tax"].column_names[1:])),
    }
    split = [_gap(parties, public, number) for number in range(3)]
    generated = [_gap(PARTIES, tables(4000, number), number) for number in range(3)]
    assert abs(np.mean([gap for _, gap in split])) < 0.005
    assert abs(np.mean([gap for _, gap in generated])) < 0.005
    assert min(joint for joint, _ in split) > 0.95


def _rows(columns: Columns, chosen: np.ndarray) -> Columns:
    return Columns(columns.names, [columns.column(n)[chosen] for n in columns.names], int(chosen.sum()))


@pytest.mark.usefixtures("short_keys")
def test_holders_see_no_label_in_the_first_tree_and_no_small_node(tmp_path: Path) -> None:
    ends: dict[str, Recorded] = {}

    def recorded(link: Link) -> Link:
        ends[link.me] = Recorded(link, keep=True)
        return ends[link.me]

    asked = manifest("trees", PARTIES, PARAMS | {"trees": 1})
    run_all(asked, run, tables(200), tmp_path, wrap=recorded)
    tags = [line.tag for line in ends["tax"].lines if line.tag.startswith(("trees", "bins"))]
    assert tags == ["bins.key", "trees.step"]
    asked = manifest("trees", PARTIES, PARAMS | {"trees": 2})
    run_all(asked, run, tables(200), tmp_path, wrap=recorded)
    for end in ends.values():
        for line, payload in end.payloads:
            assert b"9131000000" not in payload, line
            if line.tag == "trees.step" and len(payload) > 200 and line.direction == "received":
                place = np.frombuffer(payload, np.uint8)[4 + int.from_bytes(payload[:4], "big") :]
                assert np.bincount(place[place < 4]).min() > 0


@pytest.mark.parametrize(
    "params",
    [
        {"label": "none"},
        PARAMS | {"depth": 9},
        PARAMS | {"rate": 0},
        PARAMS | {"least": 1},
        PARAMS | {"seed": 1},
    ],
)
def test_wrong_parameters_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        KIND.check(manifest("trees", PARTIES, params))


def test_few_rows_and_one_class_end_the_job() -> None:
    asked, own = manifest("trees", PARTIES, PARAMS), tables(60)
    with pytest.raises(UserError, match="PRV-LABEL-ROWS"):
        plain(asked, {name: table.slice(0, 15) for name, table in own.items()})
    bank = own["bank"]
    one = bank.set_column(1, "bad", [np.arange(len(bank)) == 0])
    with pytest.raises(UserError, match="PRV-LABEL"):
        plain(_testing(asked, bank["id"][0].as_py()), own | {"bank": one})


def _testing(asked: Manifest, key: str) -> Manifest:
    """``asked`` under a number by which the row of ``key`` is tested on, not learned from."""
    table = pa.table({"id": [key]})
    while _drawn(asked, table)[0] >= TreeParams(label="bad").test_share:
        asked = asked.model_copy(update={"job": new_id()})
    return asked


def test_a_bank_with_nothing_but_labels_takes_part(tmp_path: Path) -> None:
    parties = DEALT | {"bank": ("bank", data("bad"))}
    asked, own = manifest("trees", parties, PARAMS | {"test_share": 0.0}), tables(200)
    own["bank"] = own["bank"].select(["id", "bad"])
    found = run_all(asked, run, own, tmp_path)
    assert found == plain(asked, own)
    assert found["bank"].told["joint"] is None
    assert measured(np.zeros(3), np.zeros(3)) is None


def test_a_missing_part_is_said(tmp_path: Path) -> None:
    for model in ("0" * 64, "../../x"):
        with pytest.raises(UserError, match="PRV-MODEL-PART"):
            TreePart.load(tmp_path, model, "tax")


def test_the_registry_takes_both_engines() -> None:
    for parties in (PARTIES, DEALT):
        assert kind_of(manifest("trees", parties, PARAMS)).name == "trees"
