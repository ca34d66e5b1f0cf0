"""Shares add up to what they should, and nobody sees more than uniform words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto.sine_series import logistic_series
from xinqiao.privacy.crypto.stream import Stream
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.wire import Field, pack, whole_array
from xinqiao.privacy.protocol.dealer import AHEAD, Dealer
from xinqiao.privacy.protocol.sharing import WAVE_BITS, Member, Ring, decode, encode

NAMES = ("bank", "tax", "power")


def played(
    members: tuple[str, ...],
    deal: Callable[[Dealer], Any],
    part: Callable[[Member], Ring],
    wrap: Callable[[Link], Link] = lambda link: link,
) -> Ring:
    """The sum of all members' shares."""

    def member(link: Link) -> Ring:
        return part(Member(link, members, "dealer"))

    def dealer(link: Link) -> Ring:
        deal(Dealer(link, members))
        return np.zeros(1, np.uint64)

    parts: dict[str, Callable[[Link], Ring]] = dict.fromkeys(members, member)
    told = play(parts | {"dealer": dealer}, wrap)
    total = np.zeros_like(told[members[0]])
    for name in members:
        total += told[name]
    return total


def shares(whole: Ring, members: tuple[str, ...]) -> dict[str, Ring]:
    stream, left, told = Stream(bytes(32)), whole.copy(), {}
    for name in members[1:]:
        told[name] = stream.words(whole.shape)
        left -= told[name]
    return told | {members[0]: left}


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_with_private_matrices_are_exact(count: int, *, transposed: bool) -> None:
    members, stream = NAMES[:count], Stream(b"\1" * 32)
    matrices = {name: stream.words((5, 3 + place)) for place, name in enumerate(members)}
    vectors = {n: stream.words((5 if transposed else m.shape[1], 2)) for n, m in matrices.items()}
    given_shares = {name: shares(vector, members) for name, vector in vectors.items()}

    def deal(dealer: Dealer) -> None:
        dealer.products([(dealer.hold(n, m.shape), 2) for n, m in matrices.items()], transposed=transposed)

    def part(member: Member) -> Ring:
        held = [member.hold(n, m.shape, m if n == member.me else None) for n, m in matrices.items()]
        factors = [(one, given_shares[one.owner][member.me]) for one in held]
        return np.concatenate(member.products(factors, transposed=transposed))

    wanted = [(matrices[n].T if transposed else matrices[n]) @ vectors[n] for n in members]
    assert np.array_equal(played(members, deal, part), np.concatenate(wanted))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-(2**62) + 1, 2**62 - 1), min_size=1, max_size=50), st.integers(1, 50))
def test_truncation_rounds_down_or_up(values: list[int], bits: int) -> None:
    members = NAMES[:2]
    given_shares = shares(np.array(values, np.int64).view(np.uint64), members)
    found = played(
        members,
        lambda dealer: dealer.truncated((len(values),), bits),
        lambda member: member.truncated(given_shares[member.me], bits),
    )
    for value, told in zip(values, found.view(np.int64).tolist(), strict=True):
        assert told in {value >> bits, (value >> bits) + 1}


@pytest.mark.parametrize("bits", [37, 30])
def test_the_logistic_function_of_shares(bits: int) -> None:
    members, at, series = NAMES, np.linspace(-9, 9, 200), logistic_series()
    given_shares = shares(encode(at, bits), members)
    found = played(
        members,
        lambda dealer: dealer.logistic(at.shape, series),
        lambda member: member.logistic(given_shares[member.me], bits, series, 1.5),
    )
    told = decode(found, 2 * WAVE_BITS) / 1.5
    assert np.abs(told - series.value(at)).max() < 2e-3
    assert np.abs(series.value(at) - 1 / (1 + np.exp(-at))).max() < 6e-3


def test_opened_to_all_and_told_to_one() -> None:
    members, whole = NAMES, Stream(b"\2" * 32).words((4,))
    given_shares = shares(whole, members)

    def part(member: Member) -> Ring:
        assert np.array_equal(member.opened(given_shares[member.me]), whole)
        told = member.told("tax", given_shares[member.me])
        assert (told is None) == (member.me != "tax")
        return np.zeros(4, np.uint64) if told is None else told

    assert np.array_equal(played(members, lambda _: None, part), whole)


def test_a_dealer_waits_for_the_members() -> None:
    steps, done = AHEAD + 3, []

    def deal(dealer: Dealer) -> None:
        for _ in range(steps):
            dealer.truncated((1,), 1)
            dealer.pace()
        dealer.settle()

    def part(member: Member) -> Ring:
        for _ in range(steps):
            done.append(member.truncated(np.zeros(1, np.uint64), 1))
            member.pace()
        return np.zeros(1, np.uint64)

    played(NAMES[:2], deal, part)
    assert len(done) == 2 * steps


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=20), st.integers(10, 50))
def test_numbers_come_back(values: list[float], bits: int) -> None:
    assert np.abs(decode(encode(np.array(values), bits), bits) - values).max() <= 2.0**-bits


def test_numbers_too_large_for_the_ring_are_refused() -> None:
    with pytest.raises(ValueError, match="before the point"):
        encode(np.array([2.0**30]), 40)
    with pytest.raises(ValueError, match="before the point"):
        encode(np.array([np.nan]), 10)


@pytest.mark.parametrize("values", [np.zeros(3, np.uint64), np.zeros((2, 2)), b"", 5])
def test_what_does_not_fit_is_refused(values: object) -> None:
    with pytest.raises(UserError, match="PRV-MESSAGE"):
        whole_array(pack({"values": cast("Field", values)}), "tax", (2, 2))


def _seen(secret: np.ndarray[Any, Any], members: tuple[str, ...]) -> dict[str, list[tuple[str, bytes]]]:
    """All payloads that each party receives when members compute on ``secret`` values."""
    links: list[Recorded] = []

    def wrap(link: Link) -> Link:
        links.append(Recorded(link, keep=True))
        return links[-1]

    matrix, series = encode(secret, 13), logistic_series()
    vector = shares(encode(secret[0][:, None], 20), members)

    def deal(dealer: Dealer) -> None:
        held = dealer.hold("tax", matrix.shape)
        dealer.products([(held, 1)])
        dealer.logistic((len(secret), 1), series)
        dealer.products([(held, 1)], transposed=True)
        dealer.truncated((secret.shape[1], 1), 20)

    def part(member: Member) -> Ring:
        held = member.hold("tax", matrix.shape, matrix if member.me == "tax" else None)
        (odds,) = member.products([(held, vector[member.me])])
        (slope,) = member.products([(held, member.logistic(odds, 33, series))], transposed=True)
        return member.truncated(slope, 20)

    played(members, deal, part, wrap)
    return {
        link.me: [(line.tag, payload) for line, payload in link.payloads if line.direction == "received"]
        for link in links
    }


def test_a_view_is_simulated_by_uniform_words_of_the_same_sizes() -> None:
    """Sizes and tags don't depend on the values, and every byte of every payload is uniform."""
    views = [_seen(np.full((300, 20), value), NAMES[:2]) for value in (0.0, 1.0)]
    for name in views[0]:
        one, other = (([(tag, len(body)) for tag, body in view[name]]) for view in views)
        assert one == other
    for name, size in (("bank", 8), ("tax", 8)):
        words = [body for tag, body in views[1][name] if tag not in {"seed", "waves", "truncation"}]
        data = np.concatenate(
            [np.frombuffer(body[-(len(body) // size - 16) * size :], np.uint8) for body in words]
        )
        assert chisquare(np.bincount(data, minlength=256)).pvalue > 1e-6


def test_no_value_is_in_any_payload() -> None:
    secret = np.arange(6000, dtype=np.float64).reshape(300, 20) / 7
    seen = b"".join(body for view in _seen(secret, NAMES[:2]).values() for _, body in view)
    for written in (encode(secret, 13), secret, np.rint(secret * 2**13).astype(np.int32)):
        for row in written[1:4]:
            assert row[:2].tobytes() not in seen


def test_masks_are_drawn_afresh_each_time() -> None:
    secret = np.ones((300, 20))
    one, other = (_seen(secret, NAMES[:2])["bank"] for _ in range(2))
    assert all(a != b for (_, a), (_, b) in zip(one, other, strict=True))
