"""What the worker asks of the engine, where the environment names its Python."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.privacy.manifests import data, job, manifest
from xinqiao.privacy.alignment.engine_intersection import write
from xinqiao.privacy.job.link import Link, play
from xinqiao.privacy.spu.engine import engine
from xinqiao.privacy.spu.engine_link import _Frame

ENGINE = os.environ.get("XINQIAO_SPU_PYTHON")
PARTIES = ("bank", "tax")
BEHIND_S = 1.0


class Behind:
    """A link to an engine that hears the first answer to itself later than all that is said to it meanwhile.

    So it goes where a busy machine lets the engine's own thread wait while others take what comes in.
    """

    def __init__(self, inner: Link) -> None:
        self.me, self.parties, self.send, self._inner = inner.me, inner.parties, inner.send, inner
        self._come: queue.Queue[bytes] = queue.Queue()
        self._reads: threading.Thread | None = None

    def receive(self, source: str, tag: str) -> bytes:
        if self._reads is None:
            self._reads = threading.Thread(target=self._read, args=[source, tag], daemon=True)
            self._reads.start()
        return self._come.get(timeout=60)

    def _read(self, source: str, tag: str) -> None:
        held, kind = False, 0
        while kind != _Frame.BYE:
            frame = self._inner.receive(source, tag)
            kind, number = frame[0], int.from_bytes(frame[1:5], "big")
            if kind == _Frame.BYTES and number % 2 == 0 and not held:  # the first party's connections
                held = True
                threading.Timer(BEHIND_S, self._come.put, [frame]).start()
            else:
                self._come.put(frame)


@pytest.mark.skipif(ENGINE is None, reason="XINQIAO_SPU_PYTHON names no Python with spu")
def test_an_engine_that_falls_behind_at_the_start_is_waited_for(tmp_path: Path) -> None:
    """Trap: the other's second greeting was dropped while the first lay unread, and both waited for ever."""
    agreed = manifest("intersection", {name: ("holder", data()) for name in PARTIES})

    def part(name: str) -> Callable[[Link], dict[str, int]]:
        own = job(agreed, name, None, tmp_path, Path(ENGINE or ""))

        def run(link: Link) -> dict[str, int]:
            with engine(own, Behind(link) if name == "bank" else link, PARTIES) as running:
                write(running.folder / "in.csv", pa.array(["1", "2", name]))
                asked = {"receiver": 0, "protocol": "RR22", "broadcast": True}
                return running.call("psi", asked, seconds=20)

        return run

    told = play({name: part(name) for name in PARTIES})
    assert [told[name]["common"] for name in PARTIES] == [2, 2]
