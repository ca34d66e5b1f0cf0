from __future__ import annotations

import itertools
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from xinqiao.lending.release_rule import K, Member, blocks, figure, floored, release, rounded, safe

NAMES = st.sampled_from([f"firm{i}" for i in range(14)])
AMOUNTS = st.none() | st.integers(1, 5_000_000).map(Decimal)
MEMBERS = st.builds(Member, NAMES, AMOUNTS, st.none() | st.just(Decimal("0.0435")))
CELLS = st.dictionaries(st.sampled_from("abcdef"), st.lists(MEMBERS, max_size=12), max_size=6)


def firms(members: list[Member]) -> int:
    return len({m.company for m in members})


@given(CELLS)
def test_blocks_divide_the_population_and_each_is_safe(cells: dict[str, list[Member]]) -> None:
    shown, merged = blocks(cells)
    assert not set(shown) & set(merged)
    assert all(safe(cells[key]) for key in shown)
    if shown or merged:
        assert {*shown, *merged} == {key for key, members in cells.items() if members}
    if merged:
        assert safe([m for key in merged for m in cells[key]])


@given(CELLS)
def test_nothing_about_fewer_than_five_firms_follows_from_any_sum_or_difference(
    cells: dict[str, list[Member]],
) -> None:
    """Even of exact numbers: the published sets are the blocks and their total."""
    shown, merged = blocks(cells)
    published = [{key} for key in shown] + ([set(merged)] if merged else [])
    if published:
        published.append(set().union(*published))
    for signs in itertools.product((-1, 0, 1), repeat=len(published)):
        weight = {
            key: sum(s for s, keys in zip(signs, published, strict=True) if key in keys) for key in cells
        }
        told = [key for key, w in weight.items() if w and cells[key]]
        if told and len({weight[key] for key in told}) == 1:  # a sum over a plain set of cells
            assert firms([m for key in told for m in cells[key]]) >= K


@given(CELLS, st.data())
def test_a_part_of_a_shown_cell_is_never_pinned_down_by_two_tables(
    cells: dict[str, list[Member]], data: st.DataObject
) -> None:
    """Applications by industry beside approvals by industry: who was refused stays a range."""
    part = {key: data.draw(st.lists(st.sampled_from(m), max_size=len(m))) for key, m in cells.items() if m}
    whole, of_it = dict(release(cells).cells), dict(release(part).cells)
    for key in whole.keys() & of_it.keys():
        most, least = whole[key].count + K - 1, of_it[key].count
        fewest = max(0, whole[key].count - (least + K - 1))
        assert most - least > fewest


def test_one_small_cell_takes_the_smallest_safe_one_with_it() -> None:
    cells = {
        "a": [Member(f"a{i}") for i in range(20)],
        "b": [Member(f"b{i}") for i in range(6)],
        "c": [Member("c1")],
    }
    table = release(cells)
    assert [key for key, _ in table.cells] == ["a"]
    assert table.others is not None
    assert table.others.firms == 5
    assert table.total is not None
    assert table.total.count == 25


def test_five_applications_of_one_firm_are_one_firm() -> None:
    assert release({"a": [Member("x")] * 50}).cells == ()
    assert release({"a": [Member("x")] * 50}).total is None


def test_a_firm_with_most_of_the_amount_hides_the_cell() -> None:
    many = [Member(f"a{i}", Decimal(100_000)) for i in range(9)]
    assert safe(many)
    assert not safe([*many, Member("big", Decimal(9_000_000))])


def test_rounding() -> None:
    assert [floored(n) for n in (0, 4, 5, 9, 10, 203)] == [0, 0, 5, 5, 10, 200]
    assert rounded(Decimal("1234567.89")) == Decimal(1_230_000)
    assert rounded(Decimal(0)) == 0
    told = figure([Member(f"f{i}", Decimal(100_000), Decimal("0.0437"), 61.7) for i in range(5)])
    assert told.rate == Decimal("0.0435")
    assert told.median_seconds == 62


def test_an_amount_known_of_two_firms_only_hides_the_cell() -> None:
    assert not safe([Member(f"a{i}", Decimal(10) if i < 2 else None) for i in range(9)])
    assert not safe([Member(f"a{i}", None, Decimal("0.04") if i < 2 else None) for i in range(9)])
