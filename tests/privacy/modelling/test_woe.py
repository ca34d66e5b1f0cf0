"""WOE and IV of others' features: equal to plain, and nothing of labels or ranges in what travels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.privacy.joint_data import DEALT, PARTIES, shorten, tables, traces
from tests.privacy.manifests import data, manifest, run_all
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.kind import kind_of
from xinqiao.privacy.job.link import Link, Recorded
from xinqiao.privacy.job.manifest import Input
from xinqiao.privacy.modelling.woe import KIND, plain, run

PARAMS = {"label": "bad", "bins": 6, "least": 10}


@pytest.mark.parametrize("parties", [PARTIES, DEALT], ids=["paillier", "dealer"])
def test_private_equals_plain_and_tells_holders_nothing(
    monkeypatch: pytest.MonkeyPatch, parties: dict[str, Any], tmp_path: Path
) -> None:
    shorten(monkeypatch)
    asked, own = manifest("woe", parties, PARAMS), tables(160)
    ends: list[Recorded] = []

    def recorded(link: Link) -> Link:
        ends.append(Recorded(link, keep=True))
        return ends[-1]

    KIND.check(asked)
    found = run_all(asked, run, own, tmp_path, wrap=recorded)
    assert found == plain(asked, own)
    assert found["tax"].told == {"rows": found["bank"].told["rows"]}
    assert set(found["bank"].told["iv"]) == {"tax", "power"}
    lines = found["bank"].table.to_pydict()
    assert min(g + b for g, b in zip(lines["good"], lines["bad"], strict=True)) >= PARAMS["least"]
    assert set(KIND.learns(asked)) == set(parties)
    told_by = [piece for table in own.values() for piece in traces(table)]
    for end in ends:
        assert not [line for line, payload in end.payloads if any(t in payload for t in told_by)]


def test_a_feature_that_tells_more_has_more_value() -> None:
    told = plain(manifest("woe", PARTIES, PARAMS), tables(3000))["bank"].told
    assert told["iv"]["tax"]["paid"] > 0.02
    assert told["bads"] < told["rows"]


@pytest.mark.parametrize(
    "params",
    [{}, {"label": "none"}, PARAMS | {"bins": 1}, PARAMS | {"least": 1}, PARAMS | {"more": 1}],
)
def test_wrong_parameters_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        KIND.check(manifest("woe", PARTIES, params))


@pytest.mark.parametrize("brought", [data(), data("paid", key=None)])
def test_a_holder_brings_a_key_and_columns(brought: Input) -> None:
    """Trap: without a key rows would be matched by the first column."""
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        KIND.check(manifest("woe", PARTIES | {"tax": ("holder", brought)}, PARAMS))


def test_few_rows_and_one_class_end_the_job(tmp_path: Path) -> None:
    asked, own = manifest("woe", DEALT, PARAMS), tables(60)
    with pytest.raises(UserError, match="PRV-LABEL-ROWS"):
        run_all(asked, run, {name: table.slice(0, 8) for name, table in own.items()}, tmp_path)
    bank = own["bank"]
    one = bank.set_column(1, "bad", [np.zeros(len(bank), np.int64)])
    with pytest.raises(UserError, match="PRV-MODEL-FEW"):
        plain(asked, own | {"bank": one})


def test_the_registry_takes_both_engines() -> None:
    for parties in (PARTIES, DEALT):
        assert kind_of(manifest("woe", parties, PARAMS)).name == "woe"
