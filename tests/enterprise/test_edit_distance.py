from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.enterprise.edit_distance import edit_distances


def by_the_book(a: str, b: str) -> int:
    """Optimal string alignment by its recursive definition."""

    @cache
    def d(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        best = min(d(i - 1, j) + 1, d(i, j - 1) + 1, d(i - 1, j - 1) + (a[i - 1] != b[j - 1]))
        if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
            best = min(best, d(i - 2, j - 2) + 1)
        return best

    return d(len(a), len(b))


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("", "", 0),
        ("华兴", "华兴", 0),
        ("华兴", "兴华", 1),
        ("华兴科技", "华新科技", 1),
        ("华兴", "华兴科技", 2),
        ("ca", "abc", 3),
    ],
)
def test_by_hand(a: str, b: str, distance: int) -> None:
    assert edit_distances([a], [b]).tolist() == [distance]


WORDS = st.text("华兴新科ab", max_size=9)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=8))
def test_many_at_once_are_as_by_the_book(pairs: list[tuple[str, str]]) -> None:
    found = edit_distances([a for a, _ in pairs], [b for _, b in pairs])
    assert found.tolist() == [by_the_book(a, b) for a, b in pairs]
