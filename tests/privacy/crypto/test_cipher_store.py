from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto.cipher_store import decode, encode, received, slots_of
from xinqiao.privacy.crypto.elgamal import Ciphers, encrypt, multiples, new_share, opened
from xinqiao.privacy.crypto.group import hash_to_group, the_group

GROUP = the_group()
SMALL = multiples(GROUP, 20)
SHARE = new_share(GROUP)


def points(*names: str) -> np.ndarray:
    return hash_to_group(GROUP, [name.encode() for name in names], b"test")


@settings(max_examples=8, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=4), st.integers(0, 20), max_size=40), st.integers(0, 20))
def test_every_key_gives_its_value_and_no_other_does(values: dict[str, int], spare: int) -> None:
    keys = points(*values)
    ciphers = encrypt(GROUP, SHARE.public, SMALL[list(values.values())])
    store = encode(GROUP, keys, ciphers, len(values) + spare)
    assert len(store.slots) == slots_of(len(values) + spare)
    assert np.array_equal(opened(GROUP, SHARE.secret, decode(GROUP, store, keys)), SMALL[[*values.values()]])
    absent = decode(GROUP, store, points("absent-1", "absent-2"))
    small = {point.tobytes() for point in SMALL}
    assert not small & {point.tobytes() for point in opened(GROUP, SHARE.secret, absent)}


def test_repeated_keys_are_refused() -> None:
    keys = points("a", "a")
    with pytest.raises(ValueError, match="not distinct"):
        encode(GROUP, keys, encrypt(GROUP, SHARE.public, SMALL[[1, 2]]), 2)


def test_slots_are_points_all_different_and_of_even_bits() -> None:
    keys = points(*(str(n) for n in range(200)))
    store = encode(GROUP, keys, encrypt(GROUP, SHARE.public, np.repeat(SMALL[:1], 200, axis=0)), 300)
    both = np.concatenate([store.slots.one, store.slots.two])
    assert len(np.unique(both, axis=0)) == len(both)
    share_of_ones = np.unpackbits(both[:, 4:28]).mean()
    assert abs(share_of_ones - 0.5) < 6 * 0.5 / np.sqrt(both[:, 4:28].size * 8)


def test_a_store_of_another_size_or_of_no_points_is_refused() -> None:
    keys = points("a")
    store = encode(GROUP, keys, encrypt(GROUP, SHARE.public, SMALL[[3]]), 4)
    assert received(GROUP, store.seed, store.slots, 4, "builder").seed == store.seed
    bad = Ciphers(store.slots.one, np.full_like(store.slots.two, 255))
    for seed, slots, rows in (
        (store.seed, store.slots, 400),
        (b"", store.slots, 4),
        (store.seed, bad, 4),
    ):
        with pytest.raises(UserError, match=r"PRV-MESSAGE|PRV-POINT"):
            received(GROUP, seed, slots, rows, "builder")
