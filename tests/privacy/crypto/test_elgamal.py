from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto.elgamal import (
    ZERO,
    Ciphers,
    add,
    checked,
    encrypt,
    joint,
    multiples,
    new_share,
    opened,
    prove,
    rerandomise,
    scalars,
    turn,
    verify,
)
from xinqiao.privacy.crypto.group import the_group
from xinqiao.privacy.crypto.ristretto import plain_python

GROUP = the_group()
SMALL = multiples(GROUP, 60)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=5))
def test_sums_under_encryption(pairs: list[tuple[int, int]]) -> None:
    share = new_share(GROUP)
    one, other = (encrypt(GROUP, share.public, SMALL[list(side)]) for side in zip(*pairs, strict=True))
    told = opened(GROUP, share.secret, rerandomise(GROUP, share.public, add(GROUP, one, other)))
    assert np.array_equal(told, SMALL[[a + b for a, b in pairs]])


def test_layers_come_off_in_turn_and_zero_stays_zero() -> None:
    shares = [new_share(GROUP) for _ in range(3)]
    ciphers = encrypt(GROUP, joint(GROUP, [s.public for s in shares]), SMALL[[0, 5, 0]])
    for n, share in enumerate(shares):
        left = [s.public for s in shares[n + 1 :]]
        ciphers = turn(GROUP, ciphers, scalars(3), share.secret, joint(GROUP, left) if left else None)
    assert (~ciphers.two.any(axis=1)).tolist() == [True, False, True]


def test_plain_python_does_the_same() -> None:
    group = plain_python()
    shares = [new_share(group), new_share(GROUP)]
    ciphers = encrypt(group, joint(group, [s.public for s in shares]), SMALL[[0, 3]])
    ciphers = turn(group, ciphers, 5, shares[0].secret, shares[1].public)
    assert np.array_equal(opened(GROUP, shares[1].secret, ciphers), SMALL[[0, 15]])
    proof = prove(group, shares[0], b"job")
    assert verify(GROUP, shares[0].public, proof, b"job", "other") is shares[0].public


def test_multiples_begin_at_the_neutral_element() -> None:
    assert np.array_equal(SMALL[:1], ZERO)
    assert np.array_equal(SMALL[1:], GROUP.base(list(range(1, 61))))


def test_a_share_is_taken_only_with_its_proof() -> None:
    share, other = new_share(GROUP), new_share(GROUP)
    proof = prove(GROUP, share, b"job")
    assert verify(GROUP, share.public, proof, b"job", "other") is share.public
    for public, told, context in (
        (share.public, proof, b"another job"),
        (other.public, proof, b"job"),
        (share.public, proof[:-1] + bytes([proof[-1] ^ 1]), b"job"),
        (share.public, proof[:40], b"job"),
        (ZERO, proof, b"job"),
        (np.full((1, 32), 255, np.uint8), proof, b"job"),
    ):
        with pytest.raises(UserError, match=r"PRV-LIST-KEY|PRV-POINT"):
            verify(GROUP, public, told, context, "other")


def test_what_is_no_ciphertext_is_refused() -> None:
    good = GROUP.base([1, 2])
    assert len(checked(GROUP, good, good, 2, "other")) == 2
    for bad in (good[:1], good.astype(np.int64), np.full((2, 32), 255, np.uint8)):
        with pytest.raises(UserError, match=r"PRV-MESSAGE|PRV-POINT"):
            checked(GROUP, good, bad, 2, "other")


def test_the_neutral_element_of_a_peer_ends_the_job() -> None:
    with pytest.raises(UserError, match="PRV-POINT"):
        turn(GROUP, Ciphers(ZERO, ZERO), 5, 7, None)
