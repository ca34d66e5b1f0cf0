"""Whatever is changed in a proof, a report or an exported log is found, with public keys alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xinqiao.db.database import PUBLIC, SYSTEM, Database, Scope
from xinqiao.evidence.bundle import Bundle, embed, extract
from xinqiao.evidence.cosigning import EVERY, accept, add_witness, to_cosign, witnesses
from xinqiao.evidence.export import export, verify_export
from xinqiao.evidence.log import forget, record
from xinqiao.evidence.note import Checkpoint, Note, SigningKey, decode, encode
from xinqiao.evidence.proof import bundle, checkpoint, consistency_proof, inclusion_proof, log_key
from xinqiao.evidence.sequencer import sequence
from xinqiao.evidence.trust import Finding, Trust
from xinqiao.evidence.verify import verify, verify_bundle
from xinqiao.evidence.witness import Witness
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring

Filled = Callable[[int], list[UUID]]
WITNESSES = [SigningKey.generate(f"bank{n}.example/w", "witness") for n in range(3)]
PAGE = "<!doctype html>\n<title>报告</title>\n<p>通过</p>\n"


def trust_of(database: Database, needed: int = 0) -> Trust:
    with database.transaction(PUBLIC) as tx:
        return Trust(log_key(tx), tuple(key.public for key in WITNESSES), needed)


def cosign(database: Database, count: int) -> None:
    with database.transaction(SYSTEM) as tx:
        note = checkpoint(tx)
        for key in WITNESSES[:count]:
            add_witness(tx, str(key.public), None)
            accept(tx, Checkpoint.read(note.text).size, key.sign(note.text, now()))


def held(found: list[Finding]) -> bool:
    return all(told.holds for told in found)


def bundle_of(database: Database, entry: UUID) -> Bundle:
    with database.transaction(Scope("enterprise", company="C1")) as tx:
        return bundle(tx, entry)


def test_every_entry_is_proved_to_who_may_read_it(database: Database, filled: Filled) -> None:
    made = filled(13)
    cosign(database, 2)
    for index, entry in enumerate(made):
        told = Bundle.read(bundle_of(database, entry).write(), "x")
        assert told.index == index
        assert held(verify_bundle(told, trust_of(database, needed=2)))
        assert not held(verify_bundle(told, trust_of(database, needed=3)))
    with database.transaction(Scope("enterprise", company="C2")) as tx, pytest.raises(UserError) as caught:
        bundle(tx, made[0])
    assert caught.value.code == "EVD-ABSENT"


def test_old_proofs_hold_as_the_log_grows(database: Database, filled: Filled) -> None:
    made = filled(3)
    cosign(database, 3)
    before = bundle_of(database, made[1])
    filled(50)
    for told in (before, bundle_of(database, made[1])):
        assert held(verify_bundle(told, trust_of(database, needed=3)))
    latest = bundle_of(database, made[1])
    assert latest.checkpoint == before.checkpoint  # the cosigned one, not the newest


def test_any_other_document_is_found_out(database: Database, filled: Filled) -> None:
    told = bundle_of(database, filled(5)[2])
    trust = trust_of(database)
    for change in (
        {"document": told.document.replace("甲", "乙")},
        {"document": told.document + " "},
        {"index": 1},
        {"index": 4},
        {"salt": "AAAA"},
        {"salt": ""},
        {"salt": encode((decode(told.salt) or b"") + b"\x00")},
        {"proof": told.proof[1:]},
        {"proof": [*told.proof, told.proof[0]]},
        {"proof": ["!"]},
        {"line": told.line.replace("decision", "acceptance")},
        {"line": told.line + " "},
        {"line": "{}"},
        {"line": "[1"},
        {"checkpoint": told.checkpoint.replace("\n5\n", "\n6\n")},
        {"checkpoint": ""},
    ):
        assert not held(verify_bundle(told.model_copy(update=change), trust))
    stranger = SigningKey.generate(trust.log.name, "log").public
    assert not held(verify_bundle(told, Trust(stranger)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_no_changed_character_goes_unnoticed(one: tuple[Bundle, Trust], data: st.DataObject) -> None:
    """A fuzzed file is refused, found bad, or says the very same as before."""
    told, trust = one
    text = told.write().decode()
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from('0aZ+/=甲{}",: \n') | st.characters(codec="utf-8"))
    changed = text[:place] + letter + text[place + data.draw(st.integers(0, 1)) :]
    try:
        back = Bundle.read(changed.encode(), "x")
    except UserError as error:
        assert error.code == "EVD-BUNDLE"  # noqa: PT017 - either outcome is right
        return
    assert back == told or not held(verify_bundle(back, trust))


@pytest.fixture
def one(database: Database, ring: Keyring) -> tuple[Bundle, Trust]:
    """One bundle about a page, cosigned by two."""
    with database.transaction(SYSTEM) as tx:
        entries = [record(tx, "decision", {"n": n}, subject="C1", file=PAGE) for n in range(6)]
    sequence(database, ring)
    cosign(database, 2)
    return bundle_of(database, entries[3]), trust_of(database, needed=2)


def test_a_report_with_its_proof(one: tuple[Bundle, Trust], tmp_path: Path) -> None:
    told, trust = one
    path = tmp_path / "report.html"
    path.write_bytes(embed(PAGE.encode(), told))
    assert extract(path.read_bytes(), "x")[0] == PAGE.encode()
    assert held(verify(path, trust))
    path.write_bytes(path.read_bytes().replace("通过".encode(), "拒绝".encode()))
    assert not held(verify(path, trust))
    for broken in (PAGE.encode(), embed(PAGE.encode(), told)[:-2], embed(b"", told) + b"<p>more"):
        path.write_bytes(broken)
        with pytest.raises(UserError, match="EVD-BUNDLE"):
            verify(path, trust)


def test_a_deleted_salt_unlinks_and_all_else_verifies(database: Database, filled: Filled) -> None:
    made = filled(4)
    with database.transaction(SYSTEM) as tx:
        other = record(tx, "grant", {"企业": "乙"}, subject="C2")
    sequence(database, Keyring({"k": bytes(range(32))}, "k"))
    before = [*export(database)]
    with database.transaction(SYSTEM) as tx:
        assert forget(tx, "C1") == 4
        for entry in made:
            with pytest.raises(UserError, match="EVD-ABSENT"):
                bundle(tx, entry)
        kept = bundle(tx, other)
    assert held(verify_bundle(kept, trust_of(database)))
    assert [*export(database)] == before
    assert b"C1" not in b"".join(before)


def exported(database: Database) -> list[bytes]:
    return b"".join(export(database)).splitlines(keepends=True)


def test_any_changed_removed_added_or_moved_line_of_an_export_is_found(
    database: Database, filled: Filled, tmp_path: Path
) -> None:
    filled(9)
    cosign(database, 1)
    lines, trust = exported(database), trust_of(database, needed=1)
    assert len(lines) == 10
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(lines))
    assert held(verify(path, trust))

    def bad(changed: list[bytes]) -> None:
        assert not held(verify_export(changed, trust))

    for place in range(9):
        bad(lines[:place] + lines[place + 1 :])
        bad([*lines[:place], lines[place], *lines[place:]])
        other_line = lines[place].replace(b"decision", b"decisiom")
        bad([*lines[:place], other_line, *lines[place + 1 :]])
        for other in range(place):
            moved = [*lines]
            moved[place], moved[other] = moved[other], moved[place]
            bad(moved)
    bad(lines[:-1])
    for cut in ([*lines, lines[0]], [*lines[:-1], lines[-1][:-1]], [*lines[:-1], b'{"checkpoint":\n']):
        with pytest.raises(UserError, match="EVD-BUNDLE"):
            verify_export(cut, trust)


def test_an_export_must_extend_an_older_checkpoint(
    database: Database, filled: Filled, tmp_path: Path
) -> None:
    filled(3)
    with database.transaction(PUBLIC) as tx:
        old, fresh = str(checkpoint(tx)), log_key(tx)
    filled(4)
    path, since = tmp_path / "log.jsonl", tmp_path / "old.txt"
    path.write_bytes(b"".join(exported(database)))
    since.write_text(old, "utf-8")
    assert held(verify(path, Trust(fresh), since))
    since.write_text(old.replace("\n3\n", "\n4\n"), "utf-8")
    assert not held(verify(path, Trust(fresh), since))


def test_an_empty_log_is_exported_and_verified(database: Database, ring: Keyring) -> None:
    sequence(database, ring)
    assert held(verify_export(exported(database), trust_of(database)))


def test_a_witness_follows_the_stored_log(database: Database, filled: Filled, tmp_path: Path) -> None:
    filled(1)
    key = WITNESSES[0]
    with database.transaction(SYSTEM) as tx:
        add_witness(tx, str(key.public), None)
        witness = Witness.opened(tmp_path, key, log_key(tx))
    for count in (0, 5, 20):
        filled(count)
        with standing(now() + EVERY), database.transaction(PUBLIC) as tx:
            note = to_cosign(tx)

            def prove(old: int, new: int) -> list[bytes]:
                with database.transaction(PUBLIC) as tx:
                    return consistency_proof(tx, old, new)

            line = witness.cosign(str(note), prove)
            accept(tx, Checkpoint.read(note.text).size, line)
            assert accept(tx, Checkpoint.read(note.text).size, line)  # again changes nothing
    with database.transaction(PUBLIC) as tx:
        assert checkpoint(tx).signed_by(key.public) is not None


def test_all_witnesses_of_ten_seconds_get_one_checkpoint(database: Database, filled: Filled) -> None:
    at = now().replace(second=3, microsecond=0) + timedelta(days=1)
    with standing(at):
        filled(1)
    with standing(at + timedelta(seconds=8)):
        filled(2)
    for seconds, size in ((10, 1), (15, 1), (17, 3)):
        with standing(at + timedelta(seconds=seconds)), database.transaction(PUBLIC) as tx:
            assert Checkpoint.read(to_cosign(tx).text).size == size


def test_only_registered_witnesses_cosign_and_rightly(database: Database, filled: Filled) -> None:
    filled(2)
    stranger, known = SigningKey.generate("x.example", "witness"), WITNESSES[0]
    with database.transaction(SYSTEM) as tx:
        add_witness(tx, str(known.public), None)
        assert add_witness(tx, str(known.public), None) in witnesses(tx)
        text = checkpoint(tx).text
        for code, line in (
            ("EVD-WITNESS-FORBIDDEN", stranger.sign(text, now())),
            ("EVD-SIGNATURE", known.sign(text + "x", now())),
            ("EVD-SIGNATURE", known.sign(text, now() + timedelta(days=1))),
            ("EVD-NOTE", "— x"),
        ):
            with pytest.raises(UserError, match=code):
                accept(tx, 2, line)
        with pytest.raises(UserError, match="EVD-ABSENT"):
            accept(tx, 3, known.sign(text, now()))
        with pytest.raises(UserError, match="EVD-WITNESS-STATE"):
            add_witness(tx, str(SigningKey.generate(known.public.name, "witness").public), None)
        with pytest.raises(UserError, match="EVD-KEY"):
            add_witness(tx, str(log_key(tx)), None)
        assert len(Note.read(str(checkpoint(tx))).signatures) == 1


def test_proofs_of_what_is_not_there(database: Database, filled: Filled, ring: Keyring) -> None:
    with database.transaction(PUBLIC) as tx:
        for ask in (checkpoint, log_key, to_cosign):
            with pytest.raises(UserError, match="EVD-ABSENT"):
                ask(tx)
    filled(3)
    with database.transaction(SYSTEM) as tx:
        for index, size in ((3, 3), (-1, 3), (0, 4)):
            with pytest.raises(UserError, match="EVD-RANGE"):
                inclusion_proof(tx, index, size)
        for old, new in ((2, 1), (-1, 3), (0, 4)):
            with pytest.raises(UserError, match="EVD-RANGE"):
                consistency_proof(tx, old, new)
        late = record(tx, "grant", {"a": 1})
    with database.transaction(SYSTEM) as tx, pytest.raises(UserError, match="EVD-WAIT-STATE"):
        bundle(tx, late)
    sequence(database, ring)


def test_the_file_of_keys(tmp_path: Path) -> None:
    log = SigningKey.generate("log.example", "log").public
    trust = Trust(log, tuple(key.public for key in WITNESSES), 2)
    path = tmp_path / "keys.txt"
    path.write_text("# 公钥\n" + trust.write(), "utf-8")
    assert Trust.read(path) == trust
    witness = f"witness {WITNESSES[0].public}\n"
    for broken in (
        witness, f"log {log}\nlog {log}\n", f"log {log}\n{witness}{witness}", f"witness {log}\n",
        f"log {log}\nneeded few\n", f"log {log}\nfriend {log}\n",
    ):  # fmt: skip
        path.write_text(broken, "utf-8")
        with pytest.raises(UserError, match="EVD-TRUST"):
            Trust.read(path)
    with pytest.raises(UserError, match="EVD-TRUST"):
        Trust.read(tmp_path / "none")


def test_a_bundle_is_strict_json(one: tuple[Bundle, Trust]) -> None:
    told, trust = one
    data = json.loads(told.write())
    for broken in (
        {**data, "index": "3"},
        {**data, "more": 1},
        {**data, "proof": "x"},
        [],
        {**data, "index": -1},
    ):
        with pytest.raises(UserError, match="EVD-BUNDLE"):
            Bundle.read(json.dumps(broken).encode(), "x")
    assert held(verify_bundle(Bundle.read(json.dumps(data).encode(), "x"), trust))
