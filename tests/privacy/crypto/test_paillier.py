"""Encryption that adds, Paillier's and Okamoto and Uchiyama's: sums, what blinding hides, what is refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto import paillier
from xinqiao.privacy.crypto.okamoto_uchiyama import OkamotoPublicKey, OkamotoUchiyama
from xinqiao.privacy.crypto.paillier import Paillier, PrivateKey, PublicKey, checked_key, integer, is_prime

NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
SCHEMES = {Paillier: PublicKey, OkamotoUchiyama: OkamotoPublicKey}
BOTH = pytest.mark.parametrize("scheme", SCHEMES)


@cache
def key(scheme: type[Paillier | OkamotoUchiyama]) -> PrivateKey:
    return scheme.generate(512)


@BOTH
@settings(max_examples=20, deadline=None)
@given(values=st.lists(NUMBERS, min_size=1, max_size=20))
def test_sums_of_ciphertexts_are_sums_of_numbers(
    scheme: type[Paillier | OkamotoUchiyama], values: list[int]
) -> None:
    own, product = key(scheme), integer(1)
    for ciphertext in own.encrypt(values):
        product = product * ciphertext % own.public.modulus
    assert own.decrypt([product]) == [sum(values)]


@BOTH
@settings(max_examples=20, deadline=None)
@given(values=st.lists(NUMBERS, max_size=20))
def test_slots_hold_signed_numbers(scheme: type[Paillier | OkamotoUchiyama], values: list[int]) -> None:
    own = key(scheme)
    joined = own.public.joined(own.encrypt(values))
    assert len(joined) == -(-len(values) // own.public.slots)
    assert own.parted(joined, len(values)).tolist() == values


@BOTH
def test_a_ciphertext_is_never_the_same_twice(scheme: type[Paillier | OkamotoUchiyama]) -> None:
    own = key(scheme)
    told = [int(c) for c in own.encrypt([1] * 50)]
    told += [int(own.public.blind(integer(told[0]))) for _ in range(50)]
    assert len(set(told)) == 100
    assert own.decrypt([integer(c) for c in told]) == [1] * 100


@BOTH
def test_random_factors_lie_in_one_group_whoever_drew_them(
    scheme: type[Paillier | OkamotoUchiyama],
) -> None:
    """Modulo either prime all are squares, so a blinded sum does not tell which encryptions went into it."""
    own = key(scheme)
    primes = (own._p, own._q) if isinstance(own, OkamotoUchiyama) else [s.prime for s in own._sides]
    drawn = own.encrypt([0] * 40)
    drawn += [own.public.blind(drawn[0]) for _ in range(40)]
    for prime in primes:
        assert {pow(int(c), int(prime - 1) // 2, int(prime)) for c in drawn} == {1}


@BOTH
def test_plain_integers_do_the_same(
    monkeypatch: pytest.MonkeyPatch, scheme: type[Paillier | OkamotoUchiyama]
) -> None:
    monkeypatch.setattr(paillier, "_gmpy2", None)
    own = scheme.generate(512)
    assert type(own.encrypt([1])[0]) is int
    joined = own.public.joined(own.encrypt([-5, 8]))
    assert own.parted(joined, 2).tolist() == [-5, 8]


@pytest.mark.parametrize("plain", [False, True])
def test_primes_are_told_from_composites(monkeypatch: pytest.MonkeyPatch, *, plain: bool) -> None:
    if plain:
        monkeypatch.setattr(paillier, "_gmpy2", None)
    assert is_prime((1 << 127) - 1)
    assert not is_prime(((1 << 127) - 1) * ((1 << 89) - 1))
    assert not is_prime(3215031751 * 2017)


@BOTH
def test_wire_and_what_is_refused(scheme: type[Paillier | OkamotoUchiyama]) -> None:
    own = key(scheme)
    public = own.public
    assert public.n.bit_length() >= 512
    data = public.to_bytes(own.encrypt([3, 4]))
    assert data.shape == (2, public.width)
    assert own.decrypt(public.from_bytes(data, "bank")) == [3, 4]
    factor = own._sides[0].prime if isinstance(own, Paillier) else own._p
    bad = [
        np.zeros((1, public.width), np.uint8),
        np.full((1, public.width), 255, np.uint8),
        data[:, 1:],
        public.to_bytes([factor]),
    ]
    for rows in bad:
        with pytest.raises(UserError, match="PRV-PAILLIER"):
            public.from_bytes(rows, "bank")


@BOTH
def test_keys_that_can_be_none_are_refused(scheme: type[Paillier | OkamotoUchiyama]) -> None:
    public, made = key(scheme).public, SCHEMES[scheme]
    n, residue = public.n, public.residue
    assert checked_key(made(n, residue), "bank", 512) == public
    for wrong in [(n, n), (n, 0), (n + 1, residue), ((1 << 521) - 1, residue)]:
        with pytest.raises(UserError, match="PRV-PAILLIER"):
            checked_key(made(*wrong), "bank", 512)
    with pytest.raises(UserError, match="PRV-PAILLIER"):
        checked_key(public, "bank")
