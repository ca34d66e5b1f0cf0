"""Ultimate stakes against the matrix (I - W)^-1 and against structures worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tests.relation.graphs import Edge, graph, holdings
from xinqiao.relation import ownership
from xinqiao.relation.ownership import CIRCULAR, REST, UNKNOWN, Stakes, ultimate_stakes, whole


def dense(stakes: Stakes, nodes: int) -> np.ndarray:
    out = np.zeros((nodes, nodes))
    for node in range(nodes):
        for holder, share in stakes.of(node):
            out[node, holder] = share
    return out


def oracle(nodes: int, edges: list[Edge]) -> np.ndarray:
    """The sum of W^k by repeated products: what reaches nodes without holders."""
    w, held = np.zeros((nodes, nodes)), np.zeros(nodes, bool)
    for firm, holder, share in edges:
        w[firm, holder] += share
        held[firm] = True
    reached, walk = np.zeros((nodes, nodes)), np.eye(nodes)
    for _ in range(3000):
        reached[:, ~held] += walk[:, ~held]
        walk = np.where(held[None, :], walk, 0.0) @ w
    return reached


@given(holdings())
def test_equal_to_the_sum_of_all_paths(drawn: tuple[int, list[Edge]]) -> None:
    nodes, edges = drawn
    found = ultimate_stakes(graph(nodes, edges), least=1e-12)
    np.testing.assert_allclose(dense(found, nodes), oracle(nodes, edges), atol=1e-9)
    np.testing.assert_allclose(dense(found, nodes).sum(axis=1) + found.lost.sum(axis=1), 1.0, atol=1e-9)


@given(holdings())
def test_a_great_circle_is_pushed_with_its_error_told(drawn: tuple[int, list[Edge]]) -> None:
    nodes, edges = drawn
    stakes, exact = dense(_pushed(nodes, edges), nodes), oracle(nodes, edges)
    rest = _pushed(nodes, edges).lost[:, REST]
    assert (stakes <= exact + 1e-9).all()
    assert (exact <= stakes + rest[:, None] + 1e-9).all()


def _pushed(nodes: int, edges: list[Edge]) -> Stakes:
    """As if every circle were too great to be eliminated (in plain Python: a compiled constant stays)."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_stakes", "_pushed", "_visits", "_closed"):
            patch.setattr(ownership, name, getattr(ownership, name).py_func)
        patch.setattr(ownership, "ELIMINATED", 0)
        return ultimate_stakes(graph(nodes, edges), least=1e-3)


def test_two_layers_and_two_paths() -> None:
    # person 3 holds 60 % of firm 1 and 50 % of firm 2; 0 is held by 1 (30 %) and 2 (70 %)
    edges = [(0, 1, 0.3), (0, 2, 0.7), (1, 3, 0.6), (1, 4, 0.4), (2, 3, 0.5), (2, 5, 0.5)]
    found = ultimate_stakes(graph(6, edges))
    assert found.of(0) == [
        (3, pytest.approx(0.53)),
        (5, pytest.approx(0.35)),
        (4, pytest.approx(0.12)),
    ]
    assert found.count(0.25)[0] == 2
    assert found.largest()[0] == pytest.approx(0.53)
    node, holder, _ = found.above(0.35)
    assert [pair for pair in zip(node.tolist(), holder.tolist(), strict=True) if pair[0] == 0] == [
        (0, 3),
        (0, 5),
    ]


def test_cross_holdings_give_the_whole_to_those_at_the_end() -> None:
    # 0 and 1 hold 40 % of each other; 2 holds the rest of 0, 3 the rest of 1: 0.6 / (1 - 0.16)
    found = ultimate_stakes(graph(4, [(0, 1, 0.4), (1, 0, 0.4), (0, 2, 0.6), (1, 3, 0.6)]))
    assert found.of(0) == [(2, pytest.approx(0.6 / 0.84)), (3, pytest.approx(0.24 / 0.84))]


def test_a_closed_circle_has_nobody_at_its_end() -> None:
    found = ultimate_stakes(graph(5, [(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0), (3, 0, 0.5), (3, 4, 0.5)]))
    assert found.of(0) == []
    assert found.lost[0, CIRCULAR] == 1
    assert found.of(3) == [(4, 0.5)]
    assert found.lost[3, CIRCULAR] == 0.5


def test_what_is_not_recorded_is_unknown_and_not_shared_out() -> None:
    # of firm 0 only 30 % is recorded, and holder 2 has no share written
    found = ultimate_stakes(graph(3, [(0, 1, 0.3), (0, 2, 0.0)]))
    assert found.of(0) == [(1, 0.3)]
    assert found.lost[0, UNKNOWN] == pytest.approx(0.7)


def test_shares_above_the_whole_are_scaled_and_told() -> None:
    scaled, total = whole(graph(3, [(0, 1, 0.9), (0, 2, 0.9)]))
    assert total[0] == pytest.approx(1.8)
    assert ultimate_stakes(scaled).of(0) == [(1, 0.5), (2, 0.5)]


def test_own_shares_fall_to_the_others() -> None:
    found = ultimate_stakes(graph(2, [(0, 0, 0.2), (0, 1, 0.8)]))
    assert found.of(0) == [(1, pytest.approx(1.0))]


def test_a_ring_of_two_hundred_firms() -> None:
    # each holds 50 % of the next, a person of its own the other half: stakes halve with every layer
    ring = [(firm, (firm + 1) % 200, 0.5) for firm in range(200)]
    found = ultimate_stakes(graph(400, ring + [(firm, 200 + firm, 0.5) for firm in range(200)]), least=1e-6)
    assert [holder for holder, _ in found.of(7)[:3]] == [207, 208, 209]
    assert [share for _, share in found.of(7)[:3]] == [pytest.approx(0.5**k, abs=1e-5) for k in (1, 2, 3)]
    assert found.lost[7, REST] < 1e-4
