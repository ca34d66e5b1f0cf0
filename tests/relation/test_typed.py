"""Typed neighbourhoods: every measure against the same said in plain loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn
from scipy import sparse

from xinqiao.relation import typed

SQUARES = hn.arrays(np.float64, (5, 5), elements=st.sampled_from([0.0, 0.0, 1.0, 2.5]))
VALUES = hn.arrays(np.float64, 5, elements=st.floats(-9, 9))


@given(SQUARES, VALUES)
def test_extremes_and_means_over_neighbours(dense: np.ndarray, values: np.ndarray) -> None:
    links = sparse.csr_array(dense)
    most, mean = typed.row_max(links, values), typed.row_mean(links, values)
    for i, row in enumerate(dense):
        around = values[row > 0]
        assert (np.isnan(most[i]) and not len(around)) or most[i] == around.max()
        expected = np.average(values, weights=row) if row.sum() else np.nan
        np.testing.assert_allclose(mean[i], expected, atol=1e-9)


@given(SQUARES, SQUARES)
def test_unions_and_meetings(a: np.ndarray, b: np.ndarray) -> None:
    joined = typed.union([sparse.csr_array(a), sparse.csr_array(b)]).toarray()
    expected = ((a > 0) | (b > 0)) & ~np.eye(5, dtype=bool)
    np.testing.assert_array_equal(joined, expected.astype(float))
    met = typed.meeting(typed.present(sparse.csr_array(a)), typed.present(sparse.csr_array(b))).toarray()
    shared = (a > 0).astype(float) @ (b > 0).astype(float).T
    np.testing.assert_array_equal(met, shared * (1 - np.eye(5)))


@given(SQUARES)
def test_two_steps_away_is_neither_here_nor_next_door(dense: np.ndarray) -> None:
    links = typed.union([sparse.csr_array(dense)])
    near = links.toarray()
    expected = (near @ near > 0) & (near == 0) & ~np.eye(5, dtype=bool)
    np.testing.assert_array_equal(typed.beyond(links).toarray(), expected.astype(float))


@given(SQUARES)
def test_concentration(dense: np.ndarray) -> None:
    top, squares = typed.concentration(sparse.csr_array(dense))
    for i, row in enumerate(dense):
        shares = row / row.sum() if row.sum() else np.array([np.nan])
        np.testing.assert_allclose([top[i], squares[i]], [shares.max(), (shares**2).sum()])


def test_links_by_type_add_their_weights() -> None:
    ends = (np.array([0, 0, 1, 2]), np.array([1, 1, 2, 0]))
    kind, weight = np.array([3, 4, 3, 9]), np.array([1.0, 2.0, 5.0, 7.0])
    found = typed.typed_links(3, ends, kind, weight, {"both": (3, 4), "three": (3,), "none": (8,)})
    assert found["both"].toarray().tolist() == [[0, 3, 0], [0, 0, 5], [0, 0, 0]]
    assert found["three"].toarray().tolist() == [[0, 1, 0], [0, 0, 5], [0, 0, 0]]
    assert found["none"].nnz == 0


def test_spread_along_a_path() -> None:
    path = sparse.csr_array(np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    one = typed.spread(path, np.array([1.0, 0.0, 0.0]), keep=0.4, steps=1)
    np.testing.assert_allclose(one, [0.0, 0.3, 0.0])
    alone = typed.spread(sparse.csr_array((2, 2)), np.array([1.0, 2.0]), keep=0.4, steps=3)
    np.testing.assert_allclose(alone, [0.0, 0.0])
