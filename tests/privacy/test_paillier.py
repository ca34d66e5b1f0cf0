"""Paillier's encryption: its arithmetic, what blinding hides, and what is refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.privacy import paillier
from xinqiao.privacy.paillier import PrivateKey, checked_key, integer, is_prime

NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)


@cache
def key() -> PrivateKey:
    return PrivateKey.generate(512)


@settings(max_examples=20, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_sums_of_ciphertexts_are_sums_of_numbers(values: list[int]) -> None:
    own, public = key(), key().public
    product = integer(1)
    for ciphertext in [*own.encrypt(values), public.encrypt(7)]:
        product = product * ciphertext % public.modulus
    assert own.decrypt([product]) == [sum(values) + 7]


@settings(max_examples=20, deadline=None)
@given(st.lists(NUMBERS, max_size=20))
def test_slots_hold_signed_numbers(values: list[int]) -> None:
    own = key()
    joined = own.public.joined(own.encrypt(values))
    assert len(joined) == -(-len(values) // own.public.slots)
    assert own.parted(joined, len(values)).tolist() == values


def test_a_ciphertext_is_never_the_same_twice() -> None:
    own = key()
    told = [int(c) for c in own.encrypt([1] * 50)] + [int(own.public.encrypt(1)) for _ in range(50)]
    told += [int(own.public.blind(integer(told[0]))) for _ in range(50)]
    assert len(set(told)) == 150
    assert own.decrypt([integer(c) for c in told]) == [1] * 150


def test_random_factors_lie_in_one_group_whoever_drew_them() -> None:
    """Modulo either prime all are squares, so a blinded sum does not tell which encryptions went into it."""
    own = key()
    drawn = own.encrypt([0] * 40) + [own.public.encrypt(0) for _ in range(40)]
    for side in own._sides:
        assert {pow(int(c), int(side.prime - 1) // 2, int(side.prime)) for c in drawn} == {1}


def test_plain_integers_do_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "_gmpy2", None)
    own = PrivateKey.generate(256)
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
    assert key().public.n.bit_length() == 512


def test_wire_and_what_is_refused() -> None:
    own, public = key(), key().public
    data = public.to_bytes(own.encrypt([3, 4]))
    assert data.shape == (2, public.width)
    assert own.decrypt(public.from_bytes(data, "bank")) == [3, 4]
    bad = [
        np.zeros((1, public.width), np.uint8),
        np.full((1, public.width), 255, np.uint8),
        data[:, 1:],
        public.to_bytes([integer(public.n)]),
    ]
    for rows in bad:
        with pytest.raises(UserError, match="PRV-PAILLIER"):
            public.from_bytes(rows, "bank")
    residue = public.residue
    assert checked_key(public.n, residue, "bank", 512) == public
    for n, factor in [
        (public.n, public.n),
        (public.n, 0),
        (public.n + 1, residue),
        ((1 << 521) - 1, residue),
    ]:
        with pytest.raises(UserError, match="PRV-PAILLIER"):
            checked_key(n, factor, "bank", 512)
    with pytest.raises(UserError, match="PRV-PAILLIER"):
        checked_key(public.n, residue, "bank")
