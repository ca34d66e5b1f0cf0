"""A worker's end of the link, with the test in the place of its node."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from tests.privacy import drill
from tests.privacy.manifests import data, manifest
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.node.frames import Message, Type, parts, take_frame
from xinqiao.privacy.node.worker import ALIVE, NodeLink, _plain, _told

NAMES = ("bank", "tax", "power")
LIMITS = {"message_bytes": 1000.0, "inbox_bytes": 1500.0, "wait_seconds": 0.6}


@dataclass
class Ends:
    link: NodeLink
    node: socket.socket

    def come(self, source: str, tag: str, payload: bytes) -> None:
        """A message of ``source`` comes in."""
        for part in parts(tag, payload):
            self.link.take(bytes([NAMES.index(source)]) + part)


@pytest.fixture
def ends() -> Iterator[Ends]:
    told = manifest(drill.NAME, {name: ("holder", data()) for name in NAMES})
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Ends(NodeLink(ours, told, "bank", LIMITS), theirs)


def test_messages_come_in_the_order_of_each_sender(ends: Ends) -> None:
    for source, tag, payload in (("tax", "a", b"1"), ("power", "a", b"2"), ("tax", "b", b"")):
        ends.come(source, tag, payload)
    assert ends.link.receive("tax", "a") == b"1"
    assert ends.link.receive("tax", "b") == b""
    assert ends.link.receive("power", "a") == b"2"


def test_a_message_goes_out_in_parts_under_the_number_of_its_receiver(ends: Ends) -> None:
    ends.link.send("power", "tag", b"payload")
    kind, body = take_frame(ends.node, "worker")
    assert (kind, body[0]) == (Type.PART, NAMES.index("power"))
    assert Message("bank", 100).add(body[1:]) == ("tag", b"payload")


@pytest.mark.parametrize(
    ("sizes", "code"),
    [([1001], "PRV-OVERSIZE"), ([900, 900], "PRV-OVERSIZE"), ([0] * 6, "PRV-OVERSIZE"), ([], "PRV-LATE")],
)
def test_what_is_too_much_or_too_late_is_told(ends: Ends, sizes: list[int], code: str) -> None:
    for size in sizes:
        ends.come("tax", "tag", bytes(size))
    with pytest.raises(UserError, match=code) as caught:
        ends.link.receive("power" if sizes else "tax", "tag")
    assert caught.value.where == "tax"


def test_whoever_is_at_work_is_waited_for(ends: Ends) -> None:
    """Nothing of it reaches the protocol, and only signs of the party that is waited for count."""
    for after in (0.4, 0.8):
        threading.Timer(after, ends.come, ["tax", ALIVE, b""]).start()
    threading.Timer(1.2, ends.come, ["tax", "tag", b"done"]).start()
    assert ends.link.receive("tax", "tag") == b"done"
    threading.Timer(0.4, ends.come, ["tax", ALIVE, b""]).start()
    began = time.monotonic()
    with pytest.raises(UserError, match="PRV-LATE"):
        ends.link.receive("power", "tag")
    assert time.monotonic() - began < 1.6


def test_a_worker_tells_all_others_that_it_is_at_work(ends: Ends) -> None:
    threading.Thread(target=ends.link.beat, daemon=True).start()
    told = []
    for _ in range(4):
        kind, body = take_frame(ends.node, "worker")
        told.append((kind, NAMES[body[0]], Message("bank", 100).add(body[1:])))
    assert told == [(Type.PART, name, (ALIVE, b"")) for name in ("tax", "power")] * 2


def test_what_was_received_makes_room(ends: Ends) -> None:
    for _ in range(3):
        ends.come("tax", "tag", bytes(900))
        assert len(ends.link.receive("tax", "tag")) == 900


def test_another_tag_means_another_protocol(ends: Ends) -> None:
    ends.come("tax", "another", b"")
    with pytest.raises(UserError, match="another instead of tag"):
        ends.link.receive("tax", "tag")


def test_nothing_too_large_is_sent_and_nothing_to_a_node_that_is_gone(ends: Ends) -> None:
    with pytest.raises(UserError, match="PRV-OVERSIZE"):
        ends.link.send("tax", "tag", bytes(1001))
    ends.node.close()
    with pytest.raises(UserError, match="PRV-STOPPED"):
        ends.link.send("tax", "tag", b"")


def test_parts_of_two_messages_to_one_party_do_not_mix(ends: Ends) -> None:
    ends.link._limits["message_bytes"] = float(1 << 30)
    sizes = [700_000, 900_000]
    senders = [threading.Thread(target=ends.link.send, args=["tax", "tag", bytes(size)]) for size in sizes]
    for sender in senders:
        sender.start()
    whole, came = Message("bank", 1 << 30), list[int]()
    while len(came) < len(sizes):
        _, body = take_frame(ends.node, "worker")
        told = whole.add(body[1:])
        came += [] if told is None else [len(told[1])]
    for sender in senders:
        sender.join()
    assert sorted(came) == sizes


def test_an_unforeseen_error_is_told_by_type_and_place_only() -> None:
    with pytest.raises(ValueError, match=drill.VALUE) as caught:
        int(drill.VALUE)
    told = _told(caught.value, "tax").decode()
    assert "ValueError" in told
    assert drill.VALUE not in told


def test_results_are_plain_values() -> None:

    assert _plain(np.float64(0.5)) == 0.5
    assert _plain(np.arange(2)) == [0, 1]
    assert _plain((1, 2)) == [1, 2]
