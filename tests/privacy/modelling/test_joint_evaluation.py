"""Measured at the dealer, which learns no row; no share it gets says anything by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto.stream import Stream
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.wire import pack
from xinqiao.privacy.modelling.joint_evaluation import measure, submit, submit_outcome, zero
from xinqiao.privacy.modelling.lift import lift
from xinqiao.privacy.protocol.common_stream import common_stream
from xinqiao.privacy.protocol.sharing import Ring, encode
from xinqiao.scoring.columns import Floats

MEMBERS, BITS, ROWS = ("bank", "tax", "power"), 37, 400


def _data() -> tuple[Floats, Floats, Floats]:
    drawn = np.random.default_rng(1)
    joint, alone = drawn.normal(size=(2, ROWS))
    return joint, alone, (drawn.random(ROWS) < 1 / (1 + np.exp(1 - joint))).astype(np.float64)


def _played(shares: dict[str, Ring]) -> tuple[dict[str, Any], Recorded]:
    joint, alone, bad = _data()
    ends: list[Recorded] = []

    def member(link: Link) -> Any:  # noqa: ANN401 - the measures, at the bank
        stream = common_stream(link, MEMBERS)
        order = submit(link, MEMBERS, "dealer", shares[link.me], stream)
        return submit_outcome(link, "dealer", bad, alone, order) if link.me == "bank" else order

    def wrap(link: Link) -> Link:
        ends.append(Recorded(link, keep=True))
        return ends[-1]

    parts: dict[str, Callable[[Link], Any]] = dict.fromkeys(MEMBERS, member)
    told = play(parts | {"dealer": lambda link: measure(link, MEMBERS, ROWS, BITS, 0)}, wrap)
    assert len(joint) == ROWS
    return told, next(end for end in ends if end.me == "dealer")


def test_measures_are_those_in_the_clear_and_each_share_is_uniform() -> None:
    joint, alone, bad = _data()
    nothing = np.zeros(ROWS, np.uint64)
    told, dealer = _played({"bank": encode(joint, BITS), "tax": nothing, "power": nothing})
    assert np.abs(told["bank"].array() - lift(joint, alone, bad).array()).max() < 1e-6
    for line, body in dealer.payloads:
        if line.tag == "score":
            data = np.frombuffer(body[-8 * ROWS :], np.uint8)
            assert chisquare(np.bincount(data, minlength=256)).pvalue > 1e-6
    assert not np.array_equal(told["tax"], np.arange(ROWS))
    assert np.array_equal(told["tax"], told["power"])


def test_shares_of_zero_add_up_to_zero() -> None:
    shares = [zero(Stream(b"\1" * 32), MEMBERS, name, (5, 2)) for name in MEMBERS]
    assert not (shares[0] + shares[1] + shares[2]).any()
    assert all(share.all() for share in shares)


def test_outcomes_of_one_class_or_another_length_are_refused() -> None:
    def bank(link: Link) -> None:
        link.send("dealer", "score", pack({"values": np.zeros(4, np.uint64)}))
        bad, alone = np.ones(4, np.uint8), np.zeros(4, np.uint32)
        link.send("dealer", "outcome", pack({"bad": bad, "alone": alone}))

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        play({"bank": bank, "dealer": lambda link: measure(link, ("bank",), 4, BITS, 0)})
