"""The demo: every kind is played, its manifests are right, its data agree, and a small part of it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.privacy.manifests import signing_key
from xinqiao.enterprise.uscc import check_uscc
from xinqiao.kernel.canonical import digest
from xinqiao.privacy.agreement.draft import manifest_of
from xinqiao.privacy.agreement.rules import Peer, Policy
from xinqiao.privacy.agreement.signing import Identity
from xinqiao.privacy.demo.demo_compare import _apart, beyond
from xinqiao.privacy.demo.demo_data import PARTIES, generate
from xinqiao.privacy.demo.demo_jobs import PLAYS, Play
from xinqiao.privacy.demo.demo_nodes import engine_python
from xinqiao.privacy.job.kind import kind_of, kinds
from xinqiao.privacy.job.manifest import Manifest


def written(play: Play, done: dict[str, Manifest]) -> Manifest:
    """The manifest of a play, made by its first party."""
    draft = play.draft(done)
    first = draft.parties[0].name
    peers = {
        name: Peer(name=name, certificate=digest(name.encode()), signing_key=signing_key(name).public.hex())
        for name in PARTIES
    }
    identity = Identity(first, digest(first.encode()), signing_key(first))
    return manifest_of(draft, identity, Policy(peers=peers), play.name)


def test_every_kind_is_played_and_every_manifest_fits() -> None:
    done: dict[str, Manifest] = {}
    sources = generate(300, 1)
    for play in PLAYS:
        done[play.name] = written(play, done)
        kind_of(done[play.name])
        for party in done[play.name].parties:
            if party.input is not None:
                given = sources[party.name][party.input.source]
                asked = {*party.input.columns, *([party.input.key] if party.input.key else [])}
                assert asked <= set(given.rows.column_names), play.name
                assert set(given.fields) == set(given.rows.column_names)
                assert given.rows.num_rows <= party.input.rows_at_most
    assert {told.kind for told in done.values()} == set(kinds())


def test_codes_are_of_no_division_there_is_and_data_repeat_by_seed() -> None:
    one, again, other = generate(300, 1), generate(300, 1), generate(300, 2)
    firms = one["bank"]["firms"].rows
    assert firms.equals(again["bank"]["firms"].rows)
    assert not firms.equals(other["bank"]["firms"].rows)
    codes = firms["firm"].to_pylist()
    assert len(set(codes)) == len(codes)
    assert {code[2:4] for code in codes} == {"99"}
    assert check_uscc(codes[0]).code == codes[0]


def test_how_far_two_results_are_apart() -> None:
    assert beyond({"auc": 0.001, "auc_alone": 0.1, "rows": 0.0}, {"auc": 0.002}) == {"auc_alone": 0.1}
    assert beyond({"points": 0.5}, {}) == {"points": 0.5}
    assert _apart({"a": [1, 2.0]}, {"a": [1, 2.5]}) == 0.5
    assert _apart({"a": 1}, {"a": 2}) == float("inf")
    assert _apart({"a": 1}, {"b": 1}) == float("inf")
    assert _apart([1], [1, 1]) == float("inf")


@pytest.mark.slow
def test_the_demo_runs(tmp_path: Path) -> None:
    """In a folder told as the default one is, from where the command is run."""
    jobs = ["coverage"]
    if os.environ.get("XINQIAO_DEMO_PRIVACY"):
        jobs += ["lookup", "marketing", "consent"]
        jobs += ["intersection_by_engine"] if engine_python() else []
    chosen = [word for name in jobs for word in ("--only", name)]
    command = [sys.executable, "-c", "from xinqiao.cli.main import main; main()", "demo-privacy"]
    told = subprocess.run(
        [*command, "--out", "out/demo", "--firms", "300", *chosen],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    assert f"all {len(jobs)} as they should be" in told.stdout
