"""A witness signs a growing log, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evidence.logs import SmallLog
from xinqiao.evidence.note import Checkpoint, Note, PublicKey, SigningKey
from xinqiao.evidence.witness import REFUSED, Witness
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.suite import SUITES, CryptoSuite

both = pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)


def witness_of(folder: Path, log: PublicKey, suite: CryptoSuite) -> Witness:
    return Witness.opened(folder, SigningKey.generate("witness.example", "witness", suite), log)


@both
def test_a_growing_log_is_cosigned(tmp_path: Path, suite: CryptoSuite) -> None:
    log = SmallLog(suite)
    witness = witness_of(tmp_path, log.key.public, suite)
    for size in (0, 1, 1, 2, 7, 8, 40, 40):
        note = Note.read(log.checkpoint(size))
        line = witness.cosign(str(note), log.prove)
        assert note.with_signature(line).signed_by(witness.key.public) is not None
        assert str(witness.seen()) == str(note)


@both
def test_a_rollback_is_refused(tmp_path: Path, suite: CryptoSuite) -> None:
    log = SmallLog(suite)
    witness = witness_of(tmp_path, log.key.public, suite)
    witness.cosign(log.checkpoint(9), log.prove)
    with pytest.raises(UserError, match="EVD-FORK"):
        witness.cosign(log.checkpoint(8), log.prove)
    assert Checkpoint.read(witness.seen().text).size == 9  # type: ignore[union-attr] # it has seen one


@both
@given(data=st.data())
def test_a_fork_is_refused_whatever_proof_comes_with_it(
    tmp_path_factory: pytest.TempPathFactory, suite: CryptoSuite, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("witness")
    old = data.draw(st.integers(1, 20))
    new = data.draw(st.integers(old, 24))
    honest = SmallLog(suite)
    forked = honest.forked(data.draw(st.integers(0, old - 1)))
    witness = witness_of(folder, honest.key.public, suite)
    witness.cosign(honest.checkpoint(old), honest.prove)
    for prove in (honest.prove, forked.prove, lambda *_: [], lambda *_: [b"x" * 32] * 3):
        with pytest.raises(UserError, match="EVD-FORK"):
            witness.cosign(forked.checkpoint(new), prove)
    assert Checkpoint.read(witness.seen().text).size == old  # type: ignore[union-attr] # it has seen one
    kept = next((folder / REFUSED).iterdir()).read_text("utf-8")  # both, each signed by the log
    for text in kept.split("\n---\n\n"):
        assert Note.read(text).signed_by(honest.key.public) is not None
    witness.cosign(honest.checkpoint(new), honest.prove)  # the honest log goes on


@both
def test_only_the_pinned_log_is_cosigned(tmp_path: Path, suite: CryptoSuite) -> None:
    log, other = SmallLog(suite), SmallLog(suite)
    witness = witness_of(tmp_path, log.key.public, suite)
    with pytest.raises(UserError, match="EVD-SIGNATURE"):
        witness.cosign(other.checkpoint(3), other.prove)
    with pytest.raises(UserError, match="EVD-PINNED"):
        witness_of(tmp_path, other.key.public, suite)
    note = Note.read(log.checkpoint(3))
    changed = Note(note.text.replace("3", "4", 1), note.signatures)
    with pytest.raises(UserError, match="EVD-SIGNATURE"):
        witness.cosign(str(changed), log.prove)
    assert witness.seen() is None


def test_what_was_seen_is_kept_over_a_restart(tmp_path: Path) -> None:
    suite = SUITES["international"]
    log = SmallLog(suite)
    witness_of(tmp_path, log.key.public, suite).cosign(log.checkpoint(12), log.prove)
    again = witness_of(tmp_path, log.key.public, suite)
    with pytest.raises(UserError, match="EVD-FORK"):
        again.cosign(log.forked(3).checkpoint(12), log.prove)
