"""Comparison tells whether, and neither party's messages tell more."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto.elgamal import Ciphers, new_share, opened
from xinqiao.privacy.crypto.group import the_group
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.protocol.comparison import answer, ask

BITS = 8


def compared(one: int, other: int, kept: dict[str, Recorded] | None = None) -> dict[str, bool]:
    def keep(link: Link) -> Link:
        return link if kept is None else kept.setdefault(link.me, Recorded(link, keep=True))

    return play(
        {
            "asker": lambda link: ask(link, "other", one, BITS),
            "other": lambda link: answer(link, "asker", other, BITS),
        },
        keep,
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 255), st.integers(0, 255))
@example(0, 0)
@example(255, 255)
@example(128, 127)
@example(127, 128)
def test_the_two_bits_are_the_answer(one: int, other: int) -> None:
    told = compared(one, other)
    assert (told["asker"] != told["other"]) == (one >= other)


def test_one_bit_alone_tells_nothing() -> None:
    """The simulator of the asker's view: a fair bit, whatever the answer."""
    for pair in ((200, 3), (3, 200)):
        seen = Counter(compared(*pair)["asker"] for _ in range(24))
        assert 2 < seen[True] < 22


def test_messages_have_the_same_shape_whatever_the_numbers() -> None:
    shapes = set()
    for pair in ((0, 255), (255, 0), (77, 77)):
        kept: dict[str, Recorded] = {}
        compared(*pair, kept)
        shapes.add(tuple((line.tag, line.size_bytes) for line in kept["asker"].lines))
    assert len(shapes) == 1


def test_the_place_of_the_zero_is_shuffled() -> None:
    """What the asker decrypts beside the zero is random, and the zero is anywhere."""
    from xinqiao.privacy.protocol import comparison  # noqa: PLC0415 - its key is fixed here

    places, key = [], new_share(the_group())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "new_share", lambda _: key)
        for _ in range(25):
            kept: dict[str, Recorded] = {}
            told = compared(200, 3, kept)
            if not told["asker"]:
                continue
            payload = next(p for line, p in kept["asker"].payloads if line.tag == "compare-blinded")
            fields = unpack(payload, "other", first=np.ndarray, second=np.ndarray)
            left = opened(the_group(), key.secret, Ciphers(fields["first"], fields["second"]))
            zero = ~left.any(axis=1)
            assert len(np.unique(left, axis=0)) == BITS + 1  # random, but for one zero
            places += list(np.flatnonzero(zero))
    assert len(set(places)) > 2


@pytest.mark.parametrize("fault", ["identity", "short", "garbage"])
def test_what_is_no_point_is_refused(fault: str) -> None:
    points = {
        "identity": np.zeros((BITS + 1, 32), np.uint8),
        "short": the_group().base([3] * BITS),
        "garbage": np.full((BITS + 1, 32), 255, np.uint8),
    }[fault]

    def cheat(link: Link) -> None:
        link.receive("asker", "compare-bits")
        link.send("asker", "compare-blinded", pack({"first": points, "second": points}))

    with pytest.raises(UserError, match=r"PRV-MESSAGE|PRV-POINT"):
        play({"asker": lambda link: ask(link, "other", 7, BITS), "other": cheat})


def test_a_neutral_key_is_refused() -> None:
    """Under it the blinded numbers would travel bare."""

    def cheat(link: Link) -> None:
        points = the_group().base([3] * (BITS + 1))
        fields = {"public": np.zeros((1, 32), np.uint8), "first": points, "second": points}
        link.send("other", "compare-bits", pack(fields))

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        play({"asker": cheat, "other": lambda link: answer(link, "asker", 7, BITS)})


def test_a_number_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="bits"):
        compared(256, 0)
