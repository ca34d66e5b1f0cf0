"""Scores by trees in parts: those that the bank saw when they grew, and what does not fit is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.privacy.joint_data import DEALT, PARTIES, tables
from tests.privacy.manifests import data, manifest, run_all
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack
from xinqiao.privacy.modelling import trees
from xinqiao.privacy.modelling.tree_part import TreePart
from xinqiao.privacy.scores.tree_score import KIND, plain, run

ASK = PARTIES | {"bank": ("bank", data("turnover", "kind"))}


def grown(folder: Path) -> Manifest:
    asked = manifest("trees", DEALT, {"label": "bad", "trees": 3, "depth": 3, "least": 10})
    run_all(asked, trees.run, tables(300), folder)
    return asked


def asked_tables(model: Manifest, folder: Path, rows: int = 90) -> dict[str, Any]:
    own = tables(rows, seed=8)
    own["bank"] = own["bank"].drop_columns(["bad"])
    for name, table in own.items():
        part = TreePart.load(folder / "state" / name, model.digest, name)
        own[name] = table.replace_schema_metadata({"tree_part": part.model_dump_json()})
    return own


def test_scores_are_the_plain_ones(tmp_path: Path) -> None:
    model = grown(tmp_path)
    own, asked = asked_tables(model, tmp_path), manifest("tree_score", ASK, {"model": model.digest})
    KIND.check(asked)
    found = run_all(asked, run, own, tmp_path)
    assert found == plain(asked, own)
    told = found["bank"].table
    assert told is not None
    assert len(np.unique(told["pd"])) > 5
    assert set(KIND.learns(asked)) == set(ASK)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    model = grown(tmp_path)
    own = asked_tables(model, tmp_path)
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        KIND.check(manifest("tree_score", ASK, {"model": "x"}))
    with pytest.raises(UserError, match="PRV-MODEL-PART"):
        run_all(manifest("tree_score", ASK, {"model": "0" * 64}), run, own, tmp_path)
    for parties in (
        {name: ASK[name] for name in ("bank", "tax")},
        ASK | {"tax": ("holder", data("paid"))},
    ):
        with pytest.raises(UserError, match="PRV-MANIFEST"):
            run_all(manifest("tree_score", parties, {"model": model.digest}), run, own, tmp_path)


def test_sides_of_another_model_end_the_job(tmp_path: Path) -> None:
    model = grown(tmp_path)

    class Changed:
        """A link on which one holder sends a side too many."""

        def __init__(self, link: Link) -> None:
            self.me, self.parties, self.receive, self._link = link.me, link.parties, link.receive, link

        def send(self, to: str, tag: str, payload: bytes) -> None:
            if tag == "score.sides" and self.me == "tax":
                payload = pack({"sides": np.zeros(1000, np.uint8)})
            self._link.send(to, tag, payload)

    asked = manifest("tree_score", ASK, {"model": model.digest})
    with pytest.raises(UserError, match="PRV-MESSAGE"):
        run_all(asked, run, asked_tables(model, tmp_path), tmp_path, wrap=Changed)
