"""Our own intersection: equal to plain sets, and each party sees what its output allows, no more.

The simulator of a party's view is the protocol with every other party's set replaced by the output and
fresh random ids: it knows nothing of their real sets but their sizes. What a party receives from it must
look like what it receives from the real parties.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.privacy.leaks import leaked
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.protocol.group_intersection import Rows, Sets, common, count

NAMES = ("bank", "tax", "power", "telecom")
Ids = Mapping[str, Sequence[bytes]]
Function = Callable[[Sets, Sequence[bytes]], Rows | int | None]


def numbered(*numbers: int) -> list[bytes]:
    return [f"91310000{number:010d}".encode() for number in numbers]


def run(
    function: Function, ids: Ids, to: Sequence[str], wrap: Callable[[Link], Link] = lambda link: link
) -> dict[str, Rows | int | None]:
    def part(name: str) -> Callable[[Link], Rows | int | None]:
        return lambda link: function(Sets(link, tuple(ids), tuple(to), b"a job"), ids[name])

    return play({name: part(name) for name in ids}, wrap)


def recorded(function: Function, ids: Ids, to: Sequence[str]) -> dict[str, Recorded]:
    ends: dict[str, Recorded] = {}

    def wrap(link: Link) -> Link:
        return ends.setdefault(link.me, Recorded(link, keep=True))

    run(function, ids, to, wrap)
    return ends


some_sets = st.lists(st.sets(st.integers(0, 12), max_size=10), min_size=2, max_size=4)


@given(some_sets, st.data())
@settings(max_examples=15, deadline=None)
def test_is_the_plain_intersection_in_one_order_at_all_receivers(
    numbers: list[set[int]], data: st.DataObject
) -> None:
    ids = {name: numbered(*n) for name, n in zip(NAMES, numbers, strict=False)}
    to = data.draw(st.lists(st.sampled_from(list(ids)), min_size=1, unique=True))
    told = run(common, ids, to)
    orders = [[ids[name][row] for row in rows] for name, rows in told.items() if isinstance(rows, np.ndarray)]
    assert {name for name, rows in told.items() if rows is not None} == set(to)
    assert all(rows == orders[0] for rows in orders)
    assert sorted(orders[0]) == sorted(numbered(*set.intersection(*numbers)))


@given(some_sets, st.data())
@settings(max_examples=15, deadline=None)
def test_counts_as_plain_sets_do(numbers: list[set[int]], data: st.DataObject) -> None:
    ids = {name: numbered(*n) for name, n in zip(NAMES, numbers, strict=False)}
    to = data.draw(st.lists(st.sampled_from(list(ids)), min_size=1, unique=True))
    expected = len(set.intersection(*numbers))
    assert run(count, ids, to) == {name: expected if name in to else None for name in ids}


def test_more_than_one_message_of_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "xinqiao.privacy.protocol.point_stream.CHUNK", 3
    )  # 30 messages, beyond what is sent ahead
    ids = {
        "bank": numbered(*range(90)),
        "tax": numbered(*range(60, 130)),
        "power": numbered(*range(70, 90)),
    }
    told = run(common, ids, list(ids))
    assert all(isinstance(rows, np.ndarray) and len(rows) == 20 for rows in told.values())
    assert run(count, ids, ["tax"])["tax"] == 20


real = {
    "bank": numbered(*range(100)),
    "tax": numbered(*range(30, 130)),
    "power": numbered(*range(50, 150)),
}
"""Of three holders, each two have ids in common that the third has not."""


def simulated(ids: Ids, party: str) -> dict[str, list[bytes]]:
    """All others' sets made of the output alone."""
    shared = sorted(set.intersection(*(set(one) for one in ids.values())))
    return {
        name: list(one)
        if name == party
        else [*shared, *(os.urandom(9).hex().encode() for _ in one[len(shared) :])]
        for name, one in ids.items()
    }


def received(end: Recorded) -> list[tuple[str, str, bytes]]:
    return [(line.peer, line.tag, payload) for line, payload in end.payloads if line.direction == "received"]


VIEWS = [(holders, party) for holders in (2, 3) for party in NAMES[:holders]]


@pytest.mark.parametrize("function", [common, count])
@pytest.mark.parametrize(("holders", "party"), VIEWS)
def test_a_view_made_from_the_output_alone_looks_like_the_real_one(
    function: Function, holders: int, party: str
) -> None:
    ids = {name: real[name] for name in NAMES[:holders]}
    told = received(recorded(function, ids, ["bank", "tax"])[party])
    made = received(recorded(function, simulated(ids, party), ["bank", "tax"])[party])
    assert sizes(told) == sizes(made)
    one, other = nibbles(told), nibbles(made)
    assert np.sum((one - other) ** 2 / (one + other)) < CHI_SQUARED


CHI_SQUARED = 65.0
"""Of 15 degrees of freedom: above it once in ten million."""


def sizes(view: list[tuple[str, str, bytes]]) -> list[tuple[str, str, int]]:
    return sorted((peer, tag, len(payload)) for peer, tag, payload in view)


def nibbles(view: list[tuple[str, str, bytes]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How often each value of four bits stands in what is not header."""
    bodies = b"".join(payload[4 + int.from_bytes(payload[:4]) :] for _, _, payload in view)
    return np.bincount(np.frombuffer(bodies, np.uint8) >> 2 & 15, minlength=16)


@pytest.mark.parametrize("function", [common, count])
@pytest.mark.parametrize("holders", [2, 3])
def test_nothing_of_ids_is_in_any_message_and_no_point_comes_twice(function: Function, holders: int) -> None:
    ids = {name: real[name] for name in NAMES[:holders]}
    ends = recorded(function, ids, list(ids))
    assert leaked({one for some in ids.values() for one in some}, list(ends.values())) == []
    for end in ends.values():
        points = [
            row.tobytes()
            for peer, tag, payload in received(end)
            if tag in {"blinded", "answered", "round"}
            for row in unpack(payload, peer, points=np.ndarray)["points"]
        ]
        assert len(points) == len(set(points)) >= len(real["bank"])


def test_jobs_share_no_pseudonym() -> None:
    ids = {name: real[name] for name in NAMES[:2]}
    sent = []
    for _ in range(2):
        told = recorded(common, ids, list(ids))["bank"].payloads
        sent.append({payload[-32:] for line, payload in told if line.tag != "rows"})
    assert sent[0]
    assert not sent[0] & sent[1]


class Says:
    """A link whose party says something else under one tag."""

    def __init__(self, inner: Link, tag: str, says: bytes) -> None:
        self.inner, self.me, self.parties, self.tag, self.says = inner, inner.me, inner.parties, tag, says

    def send(self, to: str, tag: str, payload: bytes) -> None:
        self.inner.send(to, tag, self.says if tag == self.tag else payload)

    def receive(self, source: str, tag: str) -> bytes:
        return self.inner.receive(source, tag)


@pytest.mark.parametrize(
    ("says", "party", "tag", "fields", "code"),
    [
        ("no point", "tax", "answered", {"points": np.full((5, 32), 255, np.uint8)}, "PRV-POINT"),
        ("neutral element", "tax", "answered", {"points": np.zeros((5, 32), np.uint8)}, "PRV-POINT"),
        ("too few points", "tax", "answered", {"points": np.zeros((4, 32), np.uint8)}, "PRV-MESSAGE"),
        ("other numbers", "tax", "answered", {"points": np.zeros((5, 4), "<f8")}, "PRV-MESSAGE"),
        ("no points", "tax", "answered", {"points": 3}, "PRV-MESSAGE"),
        ("no tags", "tax", "hint", {"tags": np.zeros((5, 4), np.uint8)}, "PRV-MESSAGE"),
        ("too many tags", "tax", "hint", {"tags": np.eye(7, 16).astype("|u1")}, "PRV-MESSAGE"),
        ("other fields", "tax", "hint", {"seed": b"", "cells": np.zeros((5, 2), "<u8")}, "PRV-MESSAGE"),
        ("unknown ids", "bank", "common", {"tags": np.zeros((1, 16), np.uint8)}, "PRV-MESSAGE"),
        ("too many rows", "tax", "rows", {"rows": 51}, "PRV-SET-SIZE"),
        ("less than no rows", "tax", "rows", {"rows": -1}, "PRV-SET-SIZE"),
    ],
)
def test_what_does_not_follow_the_protocol_is_refused(
    says: str, party: str, tag: str, fields: Mapping[str, int], code: str
) -> None:
    ids = {"bank": numbered(*range(5)), "tax": numbered(*range(3, 9))}

    def part(name: str) -> Callable[[Link], Rows | None]:
        bounds = dict.fromkeys(ids, (0, 50))
        return lambda link: common(Sets(link, tuple(ids), tuple(ids), b"a job", bounds), ids[name])

    def wrap(link: Link) -> Link:
        return Says(link, tag, pack(fields)) if link.me == party else link

    with pytest.raises(UserError, match=code):
        play({name: part(name) for name in ids}, wrap)
    assert says


def test_a_store_that_can_not_be_read_and_a_count_that_can_not_be_are_refused() -> None:
    ids = {name: numbered(1, 2) for name in NAMES[:3]}
    for seed, cells in ((b"short", 5), (bytes(16), 3000)):
        bad = pack({"seed": seed, "cells": np.zeros((cells, 2), "<u8")})
        says = partial(Says, tag="hint", says=bad)
        with pytest.raises(UserError, match="PRV-MESSAGE"):
            run(common, ids, ["bank"], lambda link, says=says: says(link) if link.me == "tax" else link)
    many = pack({"count": 3})
    with pytest.raises(UserError, match="PRV-MESSAGE"):
        run(count, ids, list(ids), lambda link: Says(link, "count", many) if link.me == "bank" else link)
