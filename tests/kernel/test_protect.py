from __future__ import annotations

import base64
import hashlib
import hmac
import json
import pickle
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring, keyed_hash, keyed_hashes, new_key, reseal, seal, unseal

ONE, TWO = bytes(range(32)), bytes(range(32, 64))
OLD = Keyring({"2025": ONE}, "2025")
RING = Keyring({"2025": ONE, "2026": TWO}, "2026")
NUMBER = "11010519491231002X"


def test_the_hash_is_hmac_sha256_under_a_derived_key() -> None:
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"hash/resident_id").derive(ONE)
    expected = hmac.new(key, NUMBER.encode(), hashlib.sha256).hexdigest()
    assert keyed_hash(NUMBER, OLD, "resident_id") == f"2025:{expected}"


def test_hashes_match_within_a_purpose_and_a_key_only() -> None:
    assert keyed_hash(NUMBER, RING, "resident_id") == keyed_hash(NUMBER, RING, "resident_id")
    assert keyed_hash(NUMBER, RING, "resident_id") != keyed_hash(NUMBER, RING, "phone")
    old, new = (keyed_hash(NUMBER, ring, "resident_id") for ring in (OLD, RING))
    assert old.partition(":")[2] != new.partition(":")[2]
    assert keyed_hashes(NUMBER, RING, "resident_id") == (
        new,
        old,
    )  # rotation: what older keys hashed is found


@given(st.text(max_size=60), st.text(max_size=20))
def test_what_is_sealed_is_read_back(value: str, context: str) -> None:
    token = seal(value, RING, context)
    assert unseal(token, RING, context) == value
    assert seal(value, RING, context) != token  # a nonce of its own each time


def test_a_changed_or_moved_token_is_refused() -> None:
    token = seal(NUMBER, RING, "company/1")
    key_id, _, text = token.partition(":")
    data = bytearray(base64.b64decode(text))
    for place in range(len(data)):
        data[place] ^= 1
        with pytest.raises(UserError, match="CRY-SEAL"):
            unseal(f"{key_id}:{base64.b64encode(data).decode()}", RING, "company/1")
        data[place] ^= 1
    with pytest.raises(UserError, match="CRY-SEAL"):
        unseal(token, RING, "company/2")
    for bad in ("2026:", "2026:!!", "2026:AAAA", f"2025:{text}"):
        with pytest.raises(UserError, match="CRY-SEAL"):
            unseal(bad, RING, "company/1")
    with pytest.raises(UserError, match="CRY-KEY-ID"):
        unseal(token, OLD, "company/1")


def test_rotation() -> None:
    token = seal(NUMBER, OLD, "c")
    moved = reseal(token, RING, "c")
    assert moved.startswith("2026:")
    assert unseal(moved, RING, "c") == NUMBER
    assert reseal(moved, RING, "c") == moved
    assert unseal(moved, Keyring({"2026": TWO}, "2026"), "c") == NUMBER


def test_a_key_of_the_national_suite() -> None:
    mixed = Keyring({"2025": ONE, "2026": TWO}, "2026", suites={"2026": "guomi"})
    token = seal(NUMBER, mixed, "c")
    assert token.startswith("2026.guomi:")
    assert unseal(token, mixed, "c") == NUMBER
    assert keyed_hash(NUMBER, mixed, "phone").startswith("2026.guomi:")
    assert keyed_hash(NUMBER, mixed, "phone", "2025") == keyed_hash(NUMBER, OLD, "phone")
    moved = reseal(seal(NUMBER, OLD, "c"), mixed, "c")  # from one suite to the other
    assert unseal(moved, mixed, "c") == NUMBER
    with pytest.raises(UserError, match="CRY-SEAL"):
        unseal(token.replace(".guomi", ""), mixed, "c")
    with pytest.raises(UserError, match="CRY-SEAL"):
        unseal(token, RING, "c")
    with pytest.raises(UserError, match="CRY-SUITE"):
        Keyring({"k": ONE}, "k", suites={"k": "rot13"})


def test_keys_are_read_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {
        "current": "k",
        "keys": {"k": base64.b64encode(ONE).decode(), "g": base64.b64encode(TWO).decode()},
        "suites": {"g": "guomi"},
    }
    (tmp_path / "keys.json").write_text(json.dumps(written), "utf-8")
    monkeypatch.setenv("RING_OF_TEST", json.dumps(written))
    for ring in (Keyring.read(tmp_path / "keys.json"), Keyring.of_environment("RING_OF_TEST")):
        assert keyed_hash("1", ring, "p") == keyed_hash("1", Keyring({"k": ONE}, "k"), "p")
        assert ring.suite("g").name == "guomi"


SECRET = base64.b64encode(ONE).decode()


def ring_text(current: str, keys: object) -> str:
    return json.dumps({"current": current, "keys": keys})


BROKEN = [
    "", "null", "[]", "{}", "{", ring_text("k", {"k": SECRET[:-8]}), ring_text("other", {"k": SECRET}),
    ring_text("k", [SECRET]), ring_text("k", {"k": SECRET + "!"}), ring_text("k:1", {"k:1": SECRET}),
    ring_text("k", {"k": 5}), json.dumps({"current": "k", "keys": {"k": SECRET}, "suites": ["k"]}),
]  # fmt: skip


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_keys_that_cannot_be_used_are_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text, "utf-8")
    with pytest.raises(UserError, match="CRY-KEY") as caught:
        Keyring.read(path)
    assert SECRET[:8] not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(UserError, match="CRY-KEY"):
        Keyring.read(tmp_path / "none.json")


def test_a_ring_never_shows_its_keys() -> None:
    shown = f"{RING} {RING!r}"
    assert "2026" in shown
    for key in (ONE, TWO):
        for form in (repr(key), key.hex(), base64.b64encode(key).decode()):
            assert form not in shown
    with pytest.raises(TypeError, match="not written down"):
        pickle.dumps(RING)


def test_new_keys_differ() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) == 32
