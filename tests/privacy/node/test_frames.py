from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.db.database import new_id
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.node import frames
from xinqiao.privacy.node.frames import (
    Message,
    Type,
    announced,
    for_job,
    frame,
    of_job,
    parts,
    read_frame,
    take_frame,
)

TAGS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=40)


@given(st.lists(st.tuples(TAGS, st.binary(max_size=100)), max_size=4), st.integers(1, 30))
def test_messages_come_out_as_they_went_in_whatever_the_size_of_parts(
    messages: list[tuple[str, bytes]], size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "PART_BYTES", size)
        cut = [part for tag, payload in messages for part in parts(tag, payload)]
    open_message = Message("tax", 1000)
    assert [whole for part in cut if (whole := open_message.add(part)) is not None] == messages
    assert open_message.held == 0


@given(st.binary(max_size=60), st.lists(st.integers(0, 5), max_size=3))
def test_what_does_not_follow_the_rules_is_a_fault_of_its_sender(part: bytes, again: list[int]) -> None:
    message = Message("tax", 40)
    for _ in range(1 + len(again)):
        with contextlib.suppress(UserError):  # nothing else is ever raised
            told = message.add(part)
            assert told is None or len(told[1]) <= 40


def test_an_announced_size_over_the_limit_is_refused_at_the_first_part() -> None:
    first = next(iter(parts("tag", bytes(1_000_000))))
    assert announced(first, "tax") == 1_000_000
    with pytest.raises(UserError, match="PRV-OVERSIZE"):
        Message("tax", 999_999).add(first)


def test_a_later_part_cannot_come_first_nor_a_first_part_later() -> None:
    first, later = list(parts("tag", bytes(frames.PART_BYTES + 1)))
    with pytest.raises(UserError, match="order of parts"):
        Message("tax", 1 << 20).add(later)
    message = Message("tax", 1 << 20)
    message.add(first)
    with pytest.raises(UserError, match="order of parts"):
        message.add(first)


@pytest.mark.parametrize("tag", ["", "标签", "x" * 200])
def test_tags_are_short_ascii(tag: str) -> None:
    with pytest.raises(ValueError, match=r"tag|ascii"):
        next(parts(tag, b""))


def test_job_and_attempt_stand_before_a_part() -> None:
    job = new_id()
    assert of_job(for_job(job, 3, b"part"), "tax") == ((job, 3), b"part")
    with pytest.raises(UserError, match="PRV-FRAME"):
        of_job(b"short", "tax")


def test_frames_pass_a_socket_in_both_ways_of_reading() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(frame(Type.BEAT) + frame(Type.PART, b"a", b"bc"))
        assert take_frame(theirs, "node") == (Type.BEAT, b"")
        assert take_frame(theirs, "node") == (Type.PART, b"abc")
        ours.sendall((frames.FRAME_AT_MOST + 1).to_bytes(4, "big") + b"\x04")
        with pytest.raises(UserError, match="PRV-FRAME"):
            take_frame(theirs, "node")
        ours.close()
        with pytest.raises(EOFError):
            take_frame(theirs, "node")

    async def read() -> tuple[int, bytes]:
        reader = asyncio.StreamReader()
        reader.feed_data(frame(Type.CONTROL, b"{}"))
        return await read_frame(reader, "tax")

    assert asyncio.run(read()) == (Type.CONTROL, b"{}")
