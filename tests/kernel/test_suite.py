"""What both suites hold, and vectors of the standards themselves."""

from __future__ import annotations

import hashlib

import gmssl_pyx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.kernel.suite import (
    GUOMI,
    HASH_BYTES,
    INTERNATIONAL,
    SIGNATURE_BYTES,
    SUITES,
    CryptoSuite,
    KeyPair,
    SealError,
    suite_named,
)

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
PAIRS = {name: suite.generate() for name, suite in SUITES.items()}
both = pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)


@both
@given(data=st.binary(max_size=300), more=st.binary(min_size=1, max_size=20))
def test_hash_and_mac(suite: CryptoSuite, data: bytes, more: bytes) -> None:
    assert len(suite.hash(data)) == len(suite.mac(KEY, data)) == HASH_BYTES
    assert suite.hash(data) == suite.hash(data)
    assert suite.hash(data) != suite.hash(data + more)
    assert suite.mac(KEY, data) == suite.mac(KEY, data)
    assert len({suite.mac(KEY, data), suite.mac(OTHER, data), suite.mac(KEY, data + more)}) == 3


@both
def test_derived_keys_differ_by_key_and_purpose(suite: CryptoSuite) -> None:
    told = {suite.derive(key, purpose) for key in (KEY, OTHER) for purpose in ("a", "b", "seal")}
    assert len(told) == 6
    assert {len(key) for key in told} == {32}
    assert KEY not in told


@both
@given(plain=st.binary(max_size=200), context=st.binary(max_size=20))
def test_what_is_sealed_is_read_back(suite: CryptoSuite, plain: bytes, context: bytes) -> None:
    sealed = suite.seal(KEY, plain, context)
    assert suite.unseal(KEY, sealed, context) == plain
    assert suite.seal(KEY, plain, context) != sealed
    for key, other in ((OTHER, context), (KEY, context + b"x")):
        with pytest.raises(SealError):
            suite.unseal(key, sealed, other)


@both
def test_every_altered_bit_of_a_seal_is_noticed(suite: CryptoSuite) -> None:
    sealed = suite.seal(KEY, b"110105194912310", b"row 1")
    for place in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(SealError):
            suite.unseal(KEY, bytes(changed), b"row 1")
    for length in range(len(sealed)):
        with pytest.raises(SealError):
            suite.unseal(KEY, sealed[:length], b"row 1")


@both
@given(message=st.binary(max_size=200), more=st.binary(min_size=1, max_size=9))
def test_signatures(suite: CryptoSuite, message: bytes, more: bytes) -> None:
    pair = PAIRS[suite.name]
    signature = suite.sign(pair, message)
    assert len(signature) == SIGNATURE_BYTES
    assert suite.verify(pair.public, message, signature)
    assert not suite.verify(pair.public, message + more, signature)
    assert not suite.verify(suite.generate().public, message, signature)


@both
def test_every_altered_bit_of_a_signature_is_noticed(suite: CryptoSuite) -> None:
    pair = PAIRS[suite.name]
    signature = suite.sign(pair, b"message")
    for place in range(SIGNATURE_BYTES * 8):
        changed = bytearray(signature)
        changed[place // 8] ^= 1 << place % 8
        assert not suite.verify(pair.public, b"message", bytes(changed))


@both
@given(public=st.binary(max_size=70), signature=st.binary(max_size=70))
def test_nonsense_is_no_signature_and_no_crash(suite: CryptoSuite, public: bytes, signature: bytes) -> None:
    assert not suite.verify(public, b"message", signature)
    assert not suite.verify(PAIRS[suite.name].public, b"message", signature)
    assert not suite.verify(b"\x00" * suite.public_bytes, b"message", signature)


@both
def test_pairs_are_fresh_and_hide_their_private_key(suite: CryptoSuite) -> None:
    pairs = [suite.generate() for _ in range(20)]
    assert len({pair.private for pair in pairs}) == 20
    assert {len(pair.public) for pair in pairs} == {suite.public_bytes}
    assert all(pair.private.hex() not in repr(pair) for pair in pairs)


def test_suites_by_name() -> None:
    assert suite_named("guomi") is GUOMI
    with pytest.raises(UserError, match="CRY-SUITE"):
        suite_named("rot13")


def test_sm3_of_gbt_32905() -> None:
    assert GUOMI.hash(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert GUOMI.hash(b"abcd" * 16).hex() == (
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    )


def test_hmac_sm3_as_gmssl_makes_it() -> None:
    assert GUOMI.mac(KEY, b"data") == gmssl_pyx.sm3_hmac(KEY, b"data")


# RFC 8998, appendix A.1
SM4_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
SM4_NONCE = bytes.fromhex("00001234567800000000ABCD")
SM4_CONTEXT = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
SM4_PLAIN = bytes.fromhex(
    "AA" * 8 + "BB" * 8 + "CC" * 8 + "DD" * 8 + "EE" * 8 + "FF" * 8 + "EE" * 8 + "AA" * 8
)
SM4_SEALED = bytes.fromhex(
    "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
    "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
    "83DE3541E4C2B58177E065A9BF7B62EC"
)


def test_sm4_gcm_of_rfc_8998() -> None:
    assert GUOMI.unseal(SM4_KEY + b"-" * 16, SM4_NONCE + SM4_SEALED, SM4_CONTEXT) == SM4_PLAIN
    encryptor = Cipher(SM4(SM4_KEY), GCM(SM4_NONCE)).encryptor()
    encryptor.authenticate_additional_data(SM4_CONTEXT)
    assert encryptor.update(SM4_PLAIN) + encryptor.finalize() + encryptor.tag == SM4_SEALED


def test_sm4_gcm_as_gmssl_reads_it() -> None:
    sealed = GUOMI.seal(KEY, b"plain", b"context")
    nonce, body, tag = sealed[:12], sealed[12:-16], sealed[-16:]
    assert gmssl_pyx.sm4_gcm_decrypt(KEY[:16], nonce, b"context", body, tag) == b"plain"


# GB/T 32918.5, appendix A.2
SM2_PAIR = KeyPair(
    bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"),
    bytes.fromhex(
        "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
        "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    ),
)
SM2_SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)


def test_sm2_of_gbt_32918() -> None:
    assert GUOMI.verify(SM2_PAIR.public, b"message digest", SM2_SIGNATURE)
    assert not GUOMI.verify(SM2_PAIR.public, b"message digesT", SM2_SIGNATURE)
    assert GUOMI.verify(SM2_PAIR.public, b"other", GUOMI.sign(SM2_PAIR, b"other"))


def test_sha256_and_hmac_as_the_standard_library_makes_them() -> None:
    assert INTERNATIONAL.hash(b"abc") == hashlib.sha256(b"abc").digest()
    # RFC 4231, test case 2
    assert INTERNATIONAL.mac(b"Jefe", b"what do ya want for nothing?").hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_ed25519_of_rfc_8032() -> None:
    private = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert INTERNATIONAL.sign(KeyPair(private, public), b"\x72") == signature
    assert INTERNATIONAL.verify(public, b"\x72", signature)
    assert Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() == public


def test_aes_256_gcm_of_nist() -> None:
    # NIST GCM, test case 14: a zero key and nonce, sixteen zero bytes
    sealed = bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    assert INTERNATIONAL.unseal(bytes(32), bytes(12) + sealed, b"") == bytes(16)
