"""A joint scorecard: as good as pooled plain data, in parts, with nobody's rows in any message."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_breast_cancer

from tests.privacy.joint_data import DEALT, tables
from tests.privacy.manifests import data, manifest, run_all
from tests.privacy.sample_models import CLOSE, PARAMS, close
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.kind import kind_of
from xinqiao.privacy.job.link import Link, Recorded
from xinqiao.privacy.job.manifest import Input
from xinqiao.privacy.modelling.joint_training import pooled
from xinqiao.privacy.modelling.model_part import ModelPart
from xinqiao.privacy.modelling.scorecard import KIND

TWO = {name: DEALT[name] for name in ("bank", "tax", "regulator")}


def test_parts_add_up_to_the_plain_model_s_score_within_a_point(tmp_path: Path) -> None:
    told, rows = manifest("scorecard", TWO, PARAMS), tables(900)
    kind_of(told)
    private = run_all(told, KIND.run, rows, tmp_path / "private")
    close(KIND.plain(told, rows), private)
    parts = {n: ModelPart.load(tmp_path / "private" / "state" / n, told.digest, n) for n in ("bank", "tax")}
    assert [v.name for v in parts["tax"].card.variables] == ["paid", "late"]
    assert parts["tax"].card.base_points == 0
    found = pooled(told, rows)
    assert parts["bank"].rows == len(found.bad) == private["regulator"].told["rows"]
    joined = _joined(rows)
    score = sum(parts[n].units(joined[n]) for n in parts) / 100
    assert np.corrcoef(score, joined["bank"]["bad"].to_numpy())[0, 1] < -0.3


def _joined(rows: dict[str, pa.Table]) -> dict[str, pa.Table]:
    keys = sorted(set(rows["bank"]["id"].to_pylist()) & set(rows["tax"]["id"].to_pylist()))
    places = {n: {k: i for i, k in enumerate(rows[n]["id"].to_pylist())} for n in ("bank", "tax")}
    return {n: rows[n].take(pa.array([p[k] for k in keys])) for n, p in places.items()}


def test_no_message_holds_an_identifier_a_value_or_a_hash_of_one(tmp_path: Path) -> None:
    links: list[Recorded] = []

    def wrap(link: Link) -> Link:
        links.append(Recorded(link, keep=True))
        return links[-1]

    rows = tables(250)
    run_all(manifest("scorecard", TWO, PARAMS | {"steps": 2}), KIND.run, rows, tmp_path, wrap=wrap)
    seen = b"".join(body for link in links for _, body in link.payloads)
    for table in (rows["bank"], rows["tax"]):
        for row in table.slice(0, 20).to_pylist():
            for value in row.values():
                _absent(value, seen)


def _absent(value: object, seen: bytes) -> None:
    if isinstance(value, str) and len(value) > 5:
        hashes = [hashlib.new(name, value.encode()) for name in ("sha256", "sha512", "md5", "sm3")]
        for found in (
            value.encode(),
            *(h.digest() for h in hashes),
            *(h.hexdigest().encode() for h in hashes),
        ):
            assert found not in seen
    if isinstance(value, float) and abs(value) > 1e-9 and len(repr(value)) > 8:
        assert np.float64(value).tobytes() not in seen
        assert repr(value).encode() not in seen
        assert hashlib.sha256(np.float64(value).tobytes()).digest() not in seen


def test_the_dealer_s_view_has_sizes_and_unlinked_scores_only(tmp_path: Path) -> None:
    views: list[list[tuple[str, int]]] = []
    orders: list[list[float]] = []
    for seed in (1, 1, 2):
        links: list[Recorded] = []

        def wrap(link: Link, kept: list[Recorded] = links) -> Link:
            kept.append(Recorded(link, keep=True))
            return kept[-1]

        told = manifest("scorecard", TWO, PARAMS | {"steps": 2})
        run_all(told, KIND.run, tables(250, seed), tmp_path, wrap=wrap)
        (dealer,) = (link for link in links if link.me == "regulator")
        received = [(line, body) for line, body in dealer.payloads if line.direction == "received"]
        assert {line.tag for line, _ in received} == {"shape", "pace", "score", "outcome"}
        views.append(sorted((line.tag, len(body)) for line, body in received if line.tag == "score"))
        (outcome,) = (body for line, body in received if line.tag == "outcome")
        orders.append(list(outcome[-100:]))
    assert views[0] == views[1]
    assert orders[0] != orders[1]


@pytest.mark.parametrize(
    "params", [{}, {"label": "none"}, {"label": "bad", "steps": 0}, {"label": "bad", "more": 1}, {"label": 3}]
)
def test_parameters_are_checked(params: dict[str, object]) -> None:
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        kind_of(manifest("scorecard", TWO, params))


def test_roles_are_checked() -> None:
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        kind_of(manifest("scorecard", {n: TWO[n] for n in ("bank", "tax")}, PARAMS))
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        kind_of(manifest("scorecard", TWO | {"tax": ("holder", data())}, PARAMS))
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        kind_of(manifest("scorecard", TWO | {"tax": ("holder", data("paid", key=None))}, PARAMS))


def test_too_few_outcomes_a_wrong_label_or_a_constant_column_end_the_job(tmp_path: Path) -> None:
    rows, told = tables(250), manifest("scorecard", TWO, PARAMS)
    place = rows["bank"].column_names.index("bad")
    few = rows["bank"].set_column(place, "bad", pa.array([0.0] * rows["bank"].num_rows))
    with pytest.raises(UserError, match="PRV-MODEL-FEW"):
        run_all(told, KIND.run, rows | {"bank": few}, tmp_path)
    odd = rows["bank"].set_column(place, "bad", pa.array([2] * rows["bank"].num_rows))
    with pytest.raises(UserError, match="PRV-LABEL"):
        run_all(told, KIND.run, rows | {"bank": odd}, tmp_path)
    same = pa.table(
        {"id": rows["tax"]["id"], **dict.fromkeys(("paid", "late"), [1.0] * rows["tax"].num_rows)}
    )
    with pytest.raises(UserError, match="PRV-MODEL-COLUMNS"):
        run_all(told, KIND.run, rows | {"tax": same}, tmp_path)
    assert not list(tmp_path.glob("state/*/model-*"))


def test_every_party_is_told_what_it_learns() -> None:
    told = KIND.learns(manifest("scorecard", DEALT, PARAMS))
    assert set(told) == set(DEALT)
    assert all(told.values())


def test_a_vertically_split_public_set(tmp_path: Path) -> None:
    """UCI's breast cancer set as scikit-learn brings it: the joint model ranks as pooled data do."""
    found = load_breast_cancer()
    ids = [f"p{n}" for n in range(len(found.target))]
    columns = {f"x{n}": found.data[:, n] for n in range(8)}
    rows = {
        "bank": pa.table(
            {"id": ids, "bad": 1 - found.target} | {f"x{n}": columns[f"x{n}"] for n in range(4)}
        ),
        "tax": pa.table({"id": ids} | {f"x{n}": columns[f"x{n}"] for n in range(4, 8)}),
    }
    parties: dict[str, str | tuple[str, Input]] = {
        "bank": ("bank", data("bad", *(f"x{n}" for n in range(4)))),
        "tax": ("holder", data(*(f"x{n}" for n in range(4, 8)))),
        "regulator": "dealer",
    }
    told = manifest("scorecard", parties, PARAMS)
    private = run_all(told, KIND.run, rows, tmp_path)["bank"].told
    plain = KIND.plain(told, rows)["bank"].told
    assert abs(private["auc_joint"][0] - plain["auc_joint"][0]) <= CLOSE
    assert private["auc_joint"][0] > 0.95
