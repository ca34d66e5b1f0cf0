"""The line between the parties of one job: what every protocol is written against.

Messages between two parties arrive in the order they were sent, each under a tag that the receiver
expects. The node carries them over mutual TLS (``privacy.node``); ``play`` carries them between
threads, for tests, benchmarks and the conformance suite. No protocol knows which one it has.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from xinqiao.kernel.errors import UserError, fail

T = TypeVar("T")
PAYLOAD_AT_MOST = 1 << 30
"""Bytes of one message."""
WAIT_SECONDS = 120.0
"""How long a party waits for a sign of life of another; its process gives one by itself while it works."""
HUNG_SECONDS = 900.0
"""The same between threads, which give none."""


class Link(Protocol):
    """One party's end. Names are those of the manifest."""

    @property
    def me(self) -> str:
        """The party at this end."""

    @property
    def parties(self) -> tuple[str, ...]:
        """All parties in the manifest's order, this one included."""

    def send(self, to: str, tag: str, payload: bytes) -> None:
        """Hand ``payload`` over for ``to``; returns before it has arrived. Raises UserError PRV-PEER-LOST."""

    def receive(self, source: str, tag: str) -> bytes:
        """The next message of ``source``.

        Raises UserError PRV-PEER-LOST (it went away), PRV-LATE (no sign of life in time) or PRV-MESSAGE (its
        tag is not ``tag``: the two don't run the same protocol).
        """


@dataclass(frozen=True, slots=True)
class Sent:
    """A line of a transcript: sizes and digests, never content."""

    direction: Literal["sent", "received"]
    peer: str
    tag: str
    size_bytes: int
    sha256: str


@dataclass(slots=True)
class Recorded:
    """A link that keeps a transcript of what passes: the chain that each party commits to.

    ``keep`` keeps whole payloads too; only tests that look for leaks ask for it.
    """

    inner: Link
    keep: bool = False
    lines: list[Sent] = field(default_factory=list)
    payloads: list[tuple[Sent, bytes]] = field(default_factory=list)

    @property
    def me(self) -> str:
        """The party at this end."""
        return self.inner.me

    @property
    def parties(self) -> tuple[str, ...]:
        """All parties."""
        return self.inner.parties

    def send(self, to: str, tag: str, payload: bytes) -> None:
        """As the link within."""
        self._note("sent", to, tag, payload)
        self.inner.send(to, tag, payload)

    def receive(self, source: str, tag: str) -> bytes:
        """As the link within."""
        payload = self.inner.receive(source, tag)
        self._note("received", source, tag, payload)
        return payload

    def _note(self, direction: Literal["sent", "received"], peer: str, tag: str, payload: bytes) -> None:
        line = Sent(direction, peer, tag, len(payload), hashlib.sha256(payload).hexdigest())
        self.lines.append(line)
        if self.keep:
            self.payloads.append((line, payload))


@dataclass(frozen=True, slots=True)
class Among:
    """A link narrowed to some of its parties, for a protocol that only they run."""

    inner: Link
    parties: tuple[str, ...]

    @property
    def me(self) -> str:
        """The party at this end."""
        return self.inner.me

    def send(self, to: str, tag: str, payload: bytes) -> None:
        """As the link within."""
        self.inner.send(to, tag, payload)

    def receive(self, source: str, tag: str) -> bytes:
        """As the link within."""
        return self.inner.receive(source, tag)


class _Memory:
    """One end of a link between threads of one process."""

    def __init__(self, me: str, parties: tuple[str, ...], boxes: _Boxes) -> None:
        self.me = me
        self.parties = parties
        self._boxes = boxes

    def send(self, to: str, tag: str, payload: bytes) -> None:
        if self._boxes.broken.is_set():
            fail("PRV-PEER-LOST", to)
        self._boxes.box(self.me, to).put((tag, bytes(payload)))

    def receive(self, source: str, tag: str) -> bytes:
        box, waited = self._boxes.box(source, self.me), 0.0
        while True:
            try:
                told, payload = box.get(timeout=0.05)
                break
            except queue.Empty:
                waited += 0.05
                if self._boxes.broken.is_set():
                    fail("PRV-PEER-LOST", source)
                if waited > HUNG_SECONDS:
                    fail("PRV-LATE", source, seconds=int(HUNG_SECONDS))
        if told != tag:
            fail("PRV-MESSAGE", source, detail=f"{told} instead of {tag}")
        return payload


class _Boxes:
    def __init__(self) -> None:
        self.broken = threading.Event()
        self._boxes: dict[tuple[str, str], queue.Queue[tuple[str, bytes]]] = {}
        self._lock = threading.Lock()

    def box(self, source: str, to: str) -> queue.Queue[tuple[str, bytes]]:
        with self._lock:
            return self._boxes.setdefault((source, to), queue.Queue())


def play(
    parts: Mapping[str, Callable[[Link], T]], wrap: Callable[[Link], Link] = lambda link: link
) -> dict[str, T]:
    """Run each party's part in a thread of its own over a memory link; their results by name.

    The first part to raise breaks the link for the others, as a node that dies does, and its error is raised.
    ``wrap`` is put around each end (``Recorded``).
    """
    boxes, parties = _Boxes(), tuple(parts)
    results: dict[str, T] = {}
    errors: list[BaseException] = []

    def part(name: str) -> None:
        try:
            results[name] = parts[name](wrap(_Memory(name, parties, boxes)))
        except BaseException as error:  # noqa: BLE001 - every failure of a part is the caller's to see
            errors.append(error)
            boxes.broken.set()

    threads = [threading.Thread(target=part, args=[name], daemon=True) for name in parties]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise next((e for e in errors if not _follows(e)), errors[0])
    return results


def _follows(error: Any) -> bool:  # noqa: ANN401 - any exception
    """Whether the error only tells that another party went away."""
    return isinstance(error, UserError) and error.code == "PRV-PEER-LOST"
