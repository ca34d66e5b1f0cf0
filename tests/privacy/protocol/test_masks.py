"""Sums under masks are exact, and what travels is noise but for its size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.protocol.masks import WIDE, Masks, agree, enough, secure_sum

NAMES = ("bank", "power", "tax")
JOB = b"digest of a job"


def masks(names: tuple[str, ...] = NAMES) -> list[Masks]:
    def part(link: Link) -> Masks:
        return agree(JOB, link, names)

    return list(play(dict.fromkeys(names, part)).values())


def test_masks_of_all_holders_cancel_out() -> None:
    held = masks()
    assert not sum(m.columns("a", 1000) for m in held).any()
    assert all(sum(column) % WIDE == 0 for column in zip(*(m.wide("b", 9) for m in held), strict=True))


def test_a_label_is_used_once() -> None:
    held = masks(("bank", "tax"))[0]
    held.wide("a", 1)
    with pytest.raises(ValueError, match="used before"):
        held.columns("a", 1)


def test_masks_differ_by_label_and_job() -> None:
    one, other = masks()[0], masks()[0]
    told = [m.columns(label, 64) for m in (one, other) for label in ("a", "b")]
    assert len({t.tobytes() for t in told}) == 4


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(-(1 << 180), 1 << 180), min_size=4, max_size=4), min_size=2, max_size=5))
def test_wide_sums_are_exact(rows: list[list[int]]) -> None:
    names = tuple(f"h{n}" for n in range(len(rows)))

    def part(link: Link) -> list[int] | None:
        own = rows[names.index(link.me)] if link.me in names else None
        return secure_sum(JOB, link, names, ["platform"]).wide("x", 4, own)

    told = play(dict.fromkeys((*names, "platform"), part))
    assert told["platform"] == [sum(column) for column in zip(*rows, strict=True)]
    assert all(told[name] is None for name in names)


def test_columns_are_exact_for_receivers_who_hold_too() -> None:
    values = {name: np.arange(1000) * (n - 1) * 10**12 for n, name in enumerate(NAMES)}

    def part(link: Link) -> np.ndarray:
        told = secure_sum(JOB, link, NAMES, NAMES).columns("x", 1000, values[link.me])
        assert told is not None
        return told

    for told in play(dict.fromkeys(NAMES, part)).values():
        np.testing.assert_array_equal(told, sum(values.values()))


def test_what_travels_is_uniform_whatever_the_values() -> None:
    """The simulator of the receiver's view: uniform columns that add up to the sum."""
    kept: dict[str, Recorded] = {}
    count = 20_000

    def keep(link: Link) -> Link:
        return kept.setdefault(link.me, Recorded(link, keep=True))

    def part(link: Link) -> None:
        own = np.full(count, 12345) if link.me in NAMES else None
        secure_sum(JOB, link, NAMES, ["platform"]).columns("x", count, own)

    play(dict.fromkeys((*NAMES, "platform"), part), keep)
    payloads = [payload for line, payload in kept["platform"].payloads if line.tag == "x"]
    assert len(payloads) == 3
    sizes = {len(payload) for payload in payloads}
    assert sizes == {len(pack({"masked": np.zeros(count, np.uint64)}))}
    for payload in payloads:
        masked = unpack(payload, "holder", masked=np.ndarray)["masked"]
        assert not (masked == 12345).any()
        ones = np.unpackbits(masked.view(np.uint8)).mean()
        assert abs(ones - 0.5) < 0.005
        counts = np.bincount(masked.view(np.uint8), minlength=256)
        expected = count * 8 / 256
        assert ((counts - expected) ** 2 / expected).sum() < 400  # chi-squared of 255 degrees


@pytest.mark.parametrize("key", [bytes(32), b"short"])
def test_what_is_no_key_is_refused(key: bytes) -> None:
    def cheat(link: Link) -> None:
        link.send("bank", "mask-key", pack({"key": key}))

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        play({"bank": lambda link: agree(JOB, link, ("bank", "tax")), "tax": cheat})


def test_a_column_of_another_length_is_refused() -> None:
    def part(link: Link) -> None:
        count = 4 if link.me == "tax" else 5
        secure_sum(JOB, link, NAMES, ["bank"]).columns("x", count, np.zeros(count, np.int64))

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        play(dict.fromkeys(NAMES, part))


def test_who_holds_one_of_two_may_not_have_the_sum() -> None:
    assert enough(["a", "b"], ["platform"])
    assert not enough(["a", "b"], ["a"])
    assert enough(["a", "b", "c"], ["a", "platform"])
    assert not enough(["a"], ["platform"])
