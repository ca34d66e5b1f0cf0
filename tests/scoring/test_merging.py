import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.scoring.merging import Block, Rules, Totals, chi_square, merge_blocks

COUNTS = st.lists(
    st.integers(1, 50).flatmap(lambda n: st.tuples(st.just(float(n)), st.integers(0, n).map(float))),
    min_size=1,
    max_size=20,
).filter(lambda c: 0 < sum(b for _, b in c) < sum(n for n, _ in c))


def test_woe_of_a_hand_worked_bin() -> None:
    # 100 companies, 20 bad. A bin of 30 with 3 bad: ln((27/80)/(3/20)) = ln 2.25
    assert Totals(100, 20).woe(30, 3, smoothing=0) == pytest.approx(math.log(2.25))
    # 5 pseudo-companies at 20 % bad: ln(((27+4)/80)/((3+1)/20)) = ln(0.3875/0.2)
    assert Totals(100, 20).woe(30, 3, smoothing=5) == pytest.approx(math.log(0.3875 / 0.2))


def test_woe_of_an_empty_bin_is_neutral_and_of_a_pure_bin_finite() -> None:
    assert Totals(100, 20).woe(0, 0, smoothing=0) == 0
    # no bads: half a row of the average company: ln((10.4/80)/(0.1/20))
    assert Totals(100, 20).woe(10, 0, smoothing=0) == pytest.approx(math.log(0.13 / 0.005))


def test_chi_square_of_a_hand_worked_table() -> None:
    # 10 of 50 against 20 of 50: p = .3, (.2)^2 * 25 / .21
    assert chi_square(Block(0, 0, 50, 10), Block(1, 1, 50, 20)) == pytest.approx(0.04 * 25 / 0.21)
    assert chi_square(Block(0, 0, 5, 0), Block(1, 1, 9, 0)) == 0


@given(COUNTS, st.sampled_from([-1, 0, 1]), st.floats(0, 10), st.integers(1, 8))
def test_bins_keep_every_row_follow_the_sign_and_the_limits(
    counts: list[tuple[float, float]], sign: int, smoothing: float, max_bins: int
) -> None:
    n, bad = sum(c[0] for c in counts), sum(c[1] for c in counts)
    totals, rules = Totals(n, bad), Rules(smoothing=smoothing, max_bins=max_bins, min_share=0.1)
    blocks = merge_blocks(counts, sign, totals, rules)
    assert [b.first for b in blocks] == [0, *(b.last + 1 for b in blocks[:-1])]
    assert blocks[-1].last == len(counts) - 1
    assert (sum(b.n for b in blocks), sum(b.bad for b in blocks)) == (n, bad)
    assert len(blocks) <= max_bins
    assert len(blocks) == 1 or min(b.n for b in blocks) >= 0.1 * n
    woe = [totals.woe(b.n, b.bad, smoothing) for b in blocks]
    if sign:
        assert all((b - a) * sign > 0 for a, b in pairwise(woe))


def test_without_a_direction_bins_that_hardly_differ_are_merged() -> None:
    counts = [(100.0, 20.0), (100.0, 21.0), (100.0, 60.0)]
    blocks = merge_blocks(counts, 0, Totals(300, 101), Rules(smoothing=0))
    assert [(b.first, b.last) for b in blocks] == [(0, 1), (2, 2)]


def test_a_relation_against_the_stated_direction_leaves_one_bin() -> None:
    counts = [(50.0, 5.0), (50.0, 10.0), (50.0, 30.0)]
    assert len(merge_blocks(counts, 1, Totals(150, 45), Rules())) == 1
    assert len(merge_blocks(counts, -1, Totals(150, 45), Rules())) == 3
