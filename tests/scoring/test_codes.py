import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.scoring.codes import CHUNK, SEARCH_FROM, histograms, joint_terms, number_codes, sums


@pytest.mark.parametrize("edges", [0, 3, SEARCH_FROM, 200])
def test_a_code_counts_the_edges_a_value_reaches(edges: int) -> None:
    rng = np.random.default_rng(edges)
    cuts = np.sort(rng.normal(size=edges))
    values = np.concatenate([rng.normal(size=CHUNK + 7), cuts, [np.nan, 9.5, -0.0]])
    out = np.empty(len(values), dtype=np.uint8)
    number_codes(values, cuts, {9.5: 250, 0.0: 251}, 255, out)
    expected = np.searchsorted(cuts, values, side="right")
    np.testing.assert_array_equal(out[:-3], expected[:-3])
    assert out[-3:].tolist() == [255, 250, 251]


@given(st.lists(st.integers(1, 200), min_size=1, max_size=9), st.integers(0, 3), st.integers(0, 50))
def test_sums_and_histograms_equal_the_obvious_ones(sizes: list[int], seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    tables = [rng.integers(-99, 99, size) for size in sizes]
    codes = [rng.integers(0, size, rows).astype(np.uint8) for size in sizes]
    weight = rng.integers(0, 9, rows).astype(np.float64)
    terms = joint_terms(tables)
    total = np.full(rows, 5, dtype=np.int64)
    sums(terms, codes, total)
    assert total.tolist() == [
        5 + sum(int(t[c[i]]) for t, c in zip(tables, codes, strict=True)) for i in range(rows)
    ]
    ones, weighted = histograms(terms, codes, [None, weight])
    for size, c, n, w in zip(sizes, codes, ones, weighted, strict=True):
        np.testing.assert_array_equal(n, np.bincount(c, minlength=size))
        np.testing.assert_array_equal(w, np.bincount(c, weights=weight, minlength=size))


def test_columns_share_a_look_up_as_long_as_their_bins_fit() -> None:
    terms = joint_terms([np.zeros(10)] * 5, widest=1000)
    assert [t.columns for t in terms] == [(0, 1, 2), (3, 4)]
    assert [len(t.table) for t in terms] == [1000, 100]


def test_work_in_chunks_is_the_work_of_the_whole() -> None:
    rng = np.random.default_rng(0)
    rows, tables = 2 * CHUNK + 11, [rng.normal(size=7), rng.normal(size=5)]
    codes = [rng.integers(0, len(t), rows).astype(np.uint8) for t in tables]
    total = np.zeros(rows)
    sums(joint_terms(tables), codes, total)
    np.testing.assert_array_equal(total, tables[0][codes[0]] + tables[1][codes[1]])
