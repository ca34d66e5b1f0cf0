"""A store gives each token its value, and looks random to who has not the tokens."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.privacy.crypto.key_value_store import SEED_BYTES, Store, Words, decode, encode, size


def random_values(count: int) -> Words:
    return np.frombuffer(os.urandom(16 * count), "<u8").reshape(-1, 2)


@given(st.sets(st.binary(min_size=1, max_size=40), max_size=60))
@settings(max_examples=60, deadline=None)
def test_every_token_finds_its_value(tokens: set[bytes]) -> None:
    listed, values = sorted(tokens), random_values(len(tokens))
    store = encode(listed, values)
    assert store.well_formed
    assert len(store.cells) == size(len(tokens))
    assert np.array_equal(decode(store, listed), values)


def test_a_large_store_is_filled_at_once() -> None:
    tokens = [os.urandom(16) for _ in range(20_000)]
    values = random_values(len(tokens))
    assert np.array_equal(decode(encode(tokens, values), tokens), values)


def test_cells_and_values_of_other_tokens_look_random() -> None:
    tokens = [os.urandom(16) for _ in range(3000)]
    store = encode(tokens, np.zeros((len(tokens), 2), "<u8"))  # the plainest values there are
    others = decode(store, [os.urandom(16) for _ in range(3000)])
    for words in (store.cells, others):
        bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8))
        assert abs(bits.mean() - 0.5) < 6 * 0.5 / bits.size**0.5
        assert len(np.unique(words, axis=0)) == len(words)


def test_tokens_that_repeat_are_refused() -> None:
    with pytest.raises(ValueError, match="repeat"):
        encode([b"one", b"one"], random_values(2))


@pytest.mark.parametrize(
    "store",
    [
        Store(b"short", random_values(39)),
        Store(bytes(SEED_BYTES), random_values(40)),
        Store(bytes(SEED_BYTES), random_values(0)),
        Store(bytes(SEED_BYTES), np.zeros((39, 3), "<u8")),
        Store(bytes(SEED_BYTES), np.zeros(39, "<u8")),
        Store(bytes(SEED_BYTES), np.zeros((39, 2), "<f8")),
    ],
)
def test_what_can_not_be_read_is_not_well_formed(store: Store) -> None:
    assert not store.well_formed
