"""The SPU engine (PyPI ``spu``) as a child process in its own environment, for one job.

It needs numpy below 2 and Python below 3.12, and takes about 1 GB: so it lives in an environment of its own,
whose Python is the job's ``engine_python``. ``engine_worker`` runs there; what it says to the other parties'
engines passes through ``engine_link``. Everything it writes is in a fresh folder of random name that is
removed at the end: the engine would take results of an earlier run from files that it finds beside its input.

    with engine(job, link, ["bank", "tax"]) as running:
        told = running.call("psi", {"receiver": 0, "protocol": "RR22", "broadcast": True})

``call`` names a function of ``engine_worker`` or, with ``module``, of another file of this package that
imports only spu, numpy and jax: ``function(context, **arguments) -> dict``, where ``context.link`` is the
engine's link, ``context.rank`` and ``context.parties`` are this party's number and theirs, and
``context.runtime(protocol)`` gives settings with a protocol that may be used. Arguments and results are JSON
values or arrays. All parties make the same calls in the same order. From the first call until ``with``
ends, the link is the engine's alone; before and after, it may be used.
"""

from __future__ import annotations

import json
import os
import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.spu.engine_link import Bridge
from xinqiao.privacy.spu.engine_process import Process, take

VERSION = "0.9.5"
"""Of the package ``spu`` that manifests name (``Engine(name="spu", version=VERSION)``)."""
PROTOCOLS = {"ABY3": 3, "CHEETAH": 2}
"""Computing protocols that may be used, and their parties; SEMI2K's default helper reads everything."""
CALL_SECONDS = 4 * 3600.0


@dataclass(slots=True)
class Running:
    """The engine of this party while the job runs."""

    process: Process
    bridge: Bridge
    me: str
    _asked: list[str]
    _read: bytes = b""

    @property
    def folder(self) -> Path:
        """Where its functions read and write."""
        return self.process.folder

    def call(
        self, function: str, arguments: Mapping[str, Any], module: str = "", seconds: float = CALL_SECONDS
    ) -> dict[str, Any]:
        """Call a function at this party's engine; the other parties call it too.

        Raises UserError PRV-ENGINE where it fails or takes longer than ``seconds``, and what broke the link.
        """
        self._ask(function, arguments, module)
        answer: dict[str, Any] = {}
        while self._asked:
            asked = self._asked.pop(0)
            answer = json.loads(self._line(asked, seconds) or "{}")
            if "error" in answer:
                self._failed(f"{asked}: {answer['error']}")
        return {name: self._told(value) for name, value in answer["told"].items()}

    def connect(self) -> None:
        """Let the engines find each other, without waiting for it: the next call does."""
        self._ask("connect", {}, "")

    def _ask(self, function: str, arguments: Mapping[str, Any], module: str) -> None:
        self.bridge.start()
        given = {name: self._given(name, value) for name, value in arguments.items()}
        place = {"rank": self.bridge.rank, "parties": self.bridge.count}
        request = json.dumps(place | {"call": function, "module": module, "with": given}) + "\n"
        stdin = self.process.child.stdin
        assert stdin is not None  # noqa: S101 - started with a pipe
        with suppress(BrokenPipeError):  # the answer's end tells
            stdin.write(request.encode())
            stdin.flush()
        self._asked.append(function)

    def _given(self, name: str, value: Any) -> Any:  # noqa: ANN401 - JSON or an array
        if isinstance(value, np.ndarray):
            np.save(self.folder / f"given-{name}.npy", value, allow_pickle=False)
            return {"array": f"given-{name}.npy"}
        return value

    def _told(self, value: Any) -> Any:  # noqa: ANN401 - JSON or an array
        if isinstance(value, dict) and set(value) == {"array"}:
            return np.load(self.folder / value["array"], allow_pickle=False)
        return value

    def _line(self, function: str, seconds: float) -> bytes:
        while b"\n" not in self._read:
            if not select.select([self.process.answers], [], [], seconds)[0]:
                self._failed(f"{function}: {seconds:.0f} s")
            data = os.read(self.process.answers, 65536)
            if not data:
                self._failed(f"{function}: the engine ended")
            self._read += data
        line, _, self._read = self._read.partition(b"\n")
        return line

    def _failed(self, detail: str) -> None:
        """What broke the link, if that was why."""
        if self.bridge.error is not None:
            raise self.bridge.error
        fail("PRV-ENGINE", self.me, detail=detail)


@contextmanager
def engine(job: Job, link: Link, parties: Sequence[str]) -> Iterator[Running]:
    """This party's engine, ready to be called; ``parties`` in the order of their ranks, this one among them.

    Raises UserError PRV-ENGINE-MISSING where the node names no Python with the engine.
    """
    if job.engine_python is None:
        fail("PRV-ENGINE-MISSING", link.me)
    try:
        process = take(job.engine_python, job.folder, job.manifest.kind)
    except OSError:
        fail("PRV-ENGINE-MISSING", link.me)
    try:
        with Bridge(link, parties, process.folder, lambda _: process.child.kill()) as bridge:
            yield Running(process, bridge, link.me, [] if process.loaded else ["load"])
    finally:
        process.end()
