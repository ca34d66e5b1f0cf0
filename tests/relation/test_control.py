"""The actual controller against the relation worked out by sets, and against known structures."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from tests.relation.graphs import Edge, graph, holdings
from xinqiao.relation.control import AT_END, CIRCULAR, CONTROLLED, DISPERSED, UNCLEAR, Control, control


def controlled_by(holder: int, nodes: int, edges: list[Edge]) -> set[int]:
    """The least set of firms in which ``holder`` and the set itself cast a majority."""
    found: set[int] = set()
    while True:
        voters = found | {holder}
        more = {
            firm
            for firm in range(nodes)
            if sum(share for f, h, share in edges if f == firm and h in voters) > 0.5 + 1e-9
        }
        if more == found:
            return found
        found = more


@given(holdings())
def test_equal_to_the_relation_by_sets(drawn: tuple[int, list[Edge]]) -> None:
    nodes, edges = drawn
    found = control(graph(nodes, edges))
    reach = [controlled_by(holder, nodes, edges) for holder in range(nodes)]
    for firm in range(nodes):
        above = {holder for holder in range(nodes) if firm in reach[holder]}
        tops = {top for top in above if not any(top in reach[other] for other in range(nodes))}
        assert len(tops) <= 1
        assert found.controller[firm] == (tops.pop() if tops else -1)
        assert (found.state[firm] == CIRCULAR) == (bool(above) and found.controller[firm] < 0)


def states(found: Control) -> list[int]:
    return [int(state) for state in found.state]


def test_a_pyramid_casts_all_votes_with_a_quarter_of_the_money() -> None:
    found = control(graph(4, [(0, 1, 0.51), (0, 3, 0.49), (1, 2, 0.51), (1, 3, 0.49)]))
    assert found.controller.tolist() == [2, 2, -1, -1]
    assert found.layers.tolist() == [2, 1, 0, 0]
    np.testing.assert_allclose(found.votes, [0.51, 0.51, 0, 0])


def test_blocks_of_controlled_firms_add_up() -> None:
    # person 3 holds 20 % of 0 itself, 100 % of 1 and of 2 that hold 20 % each
    edges = [(0, 1, 0.2), (0, 2, 0.2), (0, 3, 0.2), (0, 4, 0.4), (1, 3, 1.0), (2, 3, 1.0)]
    found = control(graph(5, edges))
    assert found.controller[0] == 3
    np.testing.assert_allclose(found.votes[0], 0.6)
    assert found.layers[0] == 1


def test_half_and_half_is_nobody() -> None:
    found = control(graph(3, [(0, 1, 0.5), (0, 2, 0.5)]))
    assert states(found) == [DISPERSED, AT_END, AT_END]
    assert found.controller[0] == -1


def test_shares_not_recorded_may_hide_a_majority() -> None:
    assert states(control(graph(2, [(0, 1, 0.3)]))) == [UNCLEAR, AT_END]
    assert states(control(graph(2, [(0, 1, 0.6)]))) == [CONTROLLED, AT_END]


def test_firms_that_own_one_another_are_controlled_by_nobody() -> None:
    found = control(graph(3, [(0, 1, 0.6), (1, 0, 0.6), (0, 2, 0.4), (1, 2, 0.4)]))
    assert states(found) == [CIRCULAR, CIRCULAR, AT_END]
    assert found.controller.tolist() == [-1, -1, -1]


def test_a_circle_with_a_master() -> None:
    # 0 and 1 hold 30 % of each other and person 2 has 30 % of both: 30 % is no majority of either
    edges = [(0, 1, 0.3), (1, 0, 0.3), (0, 2, 0.3), (1, 2, 0.3), (0, 3, 0.4), (1, 4, 0.4)]
    assert states(control(graph(5, edges)))[:2] == [DISPERSED, DISPERSED]
    # with 51 % of firm 1 the person also casts its 30 % of firm 0
    edges = [(0, 1, 0.3), (1, 0, 0.3), (0, 2, 0.3), (1, 2, 0.51), (0, 3, 0.4), (1, 4, 0.19)]
    assert control(graph(5, edges)).controller[:2].tolist() == [2, 2]
