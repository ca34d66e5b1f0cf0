from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.evidence.note import Checkpoint, Note, PublicKey, SigningKey
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.suite import INTERNATIONAL, SUITES, CryptoSuite

AT = datetime(2026, 3, 1, 8, 0, 5, tzinfo=UTC)
EPOCH = datetime.fromtimestamp(0, UTC)
# the example of the specification (C2SP tlog-cosignature)
EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501 - the specification's own lines
both = pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)


def checkpoint(size: int = 5) -> Checkpoint:
    return Checkpoint("log.example/1", size, INTERNATIONAL.hash(str(size).encode()))


def signed(suite: CryptoSuite) -> tuple[SigningKey, SigningKey, Note]:
    log = SigningKey.generate("log.example/1", "log", suite)
    witness = SigningKey.generate("w.example", "witness", suite)
    text = str(checkpoint())
    return log, witness, Note.read(f"{text}\n{log.sign(text)}{witness.sign(text, AT)}")


def test_the_example_of_the_specification_is_read() -> None:
    note = Note.read(EXAMPLE)
    assert str(note) == EXAMPLE
    told = Checkpoint.read(note.text)
    assert (told.origin, told.size, str(told)) == ("example.com/behind-the-sofa", 20852163, note.text)
    assert [s.name for s in note.signatures] == ["example.com/behind-the-sofa", "witness.example.com/w1"]
    assert int.from_bytes(note.signatures[1].data[:8], "big") == 1679315147
    assert len(note.signatures[1].data) == 8 + 64


def test_a_published_verifier_key_is_read() -> None:
    # the key of a public checksum database, in use for years
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    key = PublicKey.read(text)
    assert (key.name, key.use, str(key)) == ("sum.golang.org", "log", text)


@both
def test_both_signatures_hold_for_the_text_only(suite: CryptoSuite) -> None:
    log, witness, note = signed(suite)
    assert note.signed_by(log.public) == EPOCH
    assert note.signed_by(witness.public) == AT
    changed = Note(str(checkpoint(6)), note.signatures)
    for key in (log.public, witness.public):
        with pytest.raises(UserError, match="EVD-SIGNATURE"):
            changed.signed_by(key)
    assert note.signed_by(SigningKey.generate("log.example/1", "log", suite).public) is None


@both
def test_the_time_of_a_witness_is_signed_too(suite: CryptoSuite) -> None:
    _, witness, note = signed(suite)
    told = note.signatures[1]
    later = (int.from_bytes(told.data[:8], "big") + 1).to_bytes(8, "big") + told.data[8:]
    moved = Note(note.text, (type(told)(told.name, told.key_id, later, ""),))
    with pytest.raises(UserError, match="EVD-SIGNATURE"):
        moved.signed_by(witness.public)
    with pytest.raises(ValueError, match="time"):
        witness.sign(note.text)


@both
def test_keys_are_written_and_read(suite: CryptoSuite) -> None:
    for key in signed(suite)[:2]:
        assert PublicKey.read(str(key.public)) == key.public
        assert SigningKey.read(key.write() + "\n") == key
        assert key.pair.private.hex() not in repr(key)


@both
def test_broken_keys_are_refused_and_not_shown(suite: CryptoSuite) -> None:
    key = signed(suite)[0]
    text = key.write()
    for bad in ("", "x", text[:-4], text.replace("log.example", "fog.example"), text[12:], text + "AAAA"):
        with pytest.raises(UserError, match="EVD-KEY") as caught:
            SigningKey.read(bad)
        assert text[40:60] not in str(caught.value)
    public = str(key.public)
    for bad in ("", "a+b", public[:-4], public.replace("log.example", "fog.example"), text):
        with pytest.raises(UserError, match="EVD-KEY"):
            PublicKey.read(bad)
    with pytest.raises(UserError, match="EVD-KEY"):
        SigningKey.generate("with space", "log", suite)


BROKEN = [
    "",
    "text\n",
    "text\n\n",
    "\n\n— a AAAAAAA=\n",
    EXAMPLE[:-1],
    EXAMPLE.replace("— w", "- w"),
    EXAMPLE.replace("ZqhF", "Zq!F").replace("jWbP", "jWb"),
    EXAMPLE + "\r\n",
    EXAMPLE.replace("behind", "be\thind"),
    "a\n\n" + "— a AAAAAAA=\n" * 101,
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="EVD-NOTE"):
        Note.read(text)


@given(st.text(max_size=200))
def test_any_text_is_a_note_or_refused(text: str) -> None:
    for read in (Note.read, Checkpoint.read, PublicKey.read):
        try:
            told = read(text)
        except UserError:
            continue
        assert str(told)


@pytest.mark.parametrize("text", ["a\n01\nAAAA\n", "a\n5\n", "\n5\nAA==\n", "a\n-1\nAA==\n", "a\n1\nAA==\n"])
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="EVD-NOTE"):
        Checkpoint.read(text)
