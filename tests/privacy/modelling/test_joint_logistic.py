"""Coefficients fitted on shares are those fitted in the clear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.link import Link, play
from xinqiao.privacy.modelling.joint_logistic import THETA_BITS, Own, Plan, deal, fit, fit_plain
from xinqiao.privacy.protocol.dealer import Dealer
from xinqiao.privacy.protocol.sharing import Member, Ring, decode


def test_fits_side_by_side_are_those_in_the_clear() -> None:
    drawn, rows, names = np.random.default_rng(1), 300, ("bank", "tax", "power")
    blocks = {"bank": np.column_stack([np.ones(rows), drawn.normal(size=(rows, 2))])}
    blocks |= {name: drawn.normal(size=(rows, 2)) for name in names[1:]}
    matrix = np.hstack(list(blocks.values()))
    bad = (drawn.random(rows) < 1 / (1 + np.exp(1 - matrix[:, 1:].sum(axis=1) / 2))).astype(np.float64)
    used = np.ones((rows, 2), np.uint64)
    used[::3, 0] = 0
    plan = Plan(rows, tuple((name, b.shape[1]) for name, b in blocks.items()), 80, 2)

    def member(name: str) -> Callable[[Link], Any]:
        own = Own(blocks[name], used, bad if name == "bank" else None)
        return lambda link: fit(Member(link, names, "dealer"), plan, own, lambda _: None).theta

    def dealer(link: Link) -> Any:  # noqa: ANN401 - what play takes
        deal(Dealer(link, names), plan)

    parts: dict[str, Callable[[Link], Any]] = {name: member(name) for name in names}
    told = play(parts | {"dealer": dealer})
    total: Ring = told["bank"] + told["tax"] + told["power"]
    for k in range(2):
        plain = fit_plain(matrix, bad, used[:, k].astype(np.float64))
        assert np.abs(decode(total, THETA_BITS)[:, k] - plain).max() < 0.02


@pytest.mark.parametrize("rows", [0, 1 << 21])
def test_too_many_rows_or_none_are_refused(rows: int) -> None:
    with pytest.raises(UserError, match="PRV-MODEL-ROWS"):
        Plan(rows, (("bank", 1), ("tax", 1)), 10, 1)


@pytest.mark.parametrize("rows", [1, 30, 1000, 10_000, 1 << 20])
@pytest.mark.parametrize("members", [2, 3, 9])
def test_a_plan_keeps_every_number_within_the_ring(rows: int, members: int) -> None:
    plan = Plan(rows, tuple((f"p{n}", 3) for n in range(members)), 10, 1)
    assert 1 <= plan.factor <= 2
    assert 4 < plan.shift < 40
    slope = rows * plan.factor * 2.0 ** (13 + 26)
    assert slope < 2.0**62
