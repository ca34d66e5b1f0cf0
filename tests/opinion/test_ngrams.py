from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.opinion import ngrams

TEXTS = st.lists(st.text(alphabet="信桥ab𝔸", max_size=8), min_size=1, max_size=6)


@given(TEXTS)
def test_counts_are_those_of_each_text_alone(texts: list[str]) -> None:
    together = ngrams.counts(texts)
    for row, text in enumerate(texts):
        alone = ngrams.counts([text])
        assert (together[[row]] != alone).nnz == 0
        length = len(text)
        assert alone.sum() == sum(max(0, length - order + 1) for order in ngrams.ORDERS)


def test_equal_ngrams_share_a_column_and_fields_do_not() -> None:
    one = ngrams.counts(["abab"])
    assert sorted(one.data.tolist()) == [1, 1, 1, 2, 2, 2]  # bab, aba, ba; a, b, ab
    other = ngrams.counts(["abab"], salt=1)
    assert not set(one.indices.tolist()) & set(other.indices.tolist())


def test_no_collision_among_common_characters() -> None:
    found = ngrams.counts([chr(c) for c in range(0x4E00, 0x4E00 + 2_000)])
    assert len(set(found.indices.tolist())) > 1_985  # 2^18 places: about 7.6 meetings are expected


def test_rarity_and_vectors_by_hand() -> None:
    found = ngrams.counts(["a", "aa", "b", ""])
    weight = ngrams.rarity(found)
    a, b = ngrams.counts(["a"]).indices[0], ngrams.counts(["b"]).indices[0]
    assert weight[a] == math.log(5 / 3) + 1
    assert weight[b] == 0  # in one text only
    length = np.sqrt(
        np.asarray(ngrams.vectors(found, weight).multiply(ngrams.vectors(found, weight)).sum(axis=1))
    )
    np.testing.assert_allclose(length, [1, 1, 0, 0])
