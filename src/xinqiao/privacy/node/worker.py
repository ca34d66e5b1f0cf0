"""A job's process: runs one protocol over a socket to its node, and sees nothing else of the network.

``python -m xinqiao.privacy.node.worker FD``. It ends with its node, whatever happens to that: by the signal
at a parent's death and by the end of the socket. Errors that nobody foresaw are told by type and place only,
for their words may hold data.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.privacy.job.link import Recorded
from xinqiao.privacy.job.manifest import Manifest, read_manifest
from xinqiao.privacy.node.frames import Message, Type, frame, parts, take_frame
from xinqiao.privacy.spu.engine_process import Process, start_early

PR_SET_PDEATHSIG = 1
NODE = "node"
PROGRESS_SECONDS = 0.5
MESSAGE_BYTES = 256
"""What a message that waits costs besides its payload: many empty ones are not free."""
ALIVE = "alive"
"""The tag of the message that says nothing but that its sender is at work; no protocol sees it."""
BEATS = 6
"""How often it is sent within the time that a party waits for another."""
RESULT, TABLE, TRANSCRIPT = "result.json", "result.arrow", "transcript.json"


class NodeLink:
    """This party's end of a link whose messages the node carries (``link.Link``)."""

    def __init__(self, line: socket.socket, manifest: Manifest, me: str, limits: dict[str, float]) -> None:
        self.me, self.parties = me, manifest.names
        self._line, self._limits = line, limits
        self._writing, self._counting = threading.Lock(), threading.Lock()
        self._order = {p: threading.Lock() for p in self.parties}  # parts of one message stay together
        self._boxes: dict[str, queue.Queue[tuple[str, bytes]]] = {p: queue.Queue() for p in self.parties}
        self._open = {p: Message(p, int(limits["message_bytes"])) for p in self.parties}
        self._held = 0
        self._heard = dict.fromkeys(self.parties, 0.0)
        self._fault: UserError | None = None

    def send(self, to: str, tag: str, payload: bytes) -> None:
        """See link.Link; also raises UserError PRV-OVERSIZE."""
        most = int(self._limits["message_bytes"])
        if len(payload) > most:
            fail("PRV-OVERSIZE", self.me, size=len(payload), most=most)
        number = bytes([self.parties.index(to)])
        with self._order[to]:
            for part in parts(tag, payload):
                self.tell(Type.PART, number, part)

    def receive(self, source: str, tag: str) -> bytes:
        """See link.Link."""
        began, most = time.monotonic(), self._limits["wait_seconds"]
        while True:
            if self._fault is not None:
                raise self._fault
            try:
                told, payload = self._boxes[source].get(timeout=0.5)
                break
            except queue.Empty:
                if time.monotonic() > max(began, self._heard[source]) + most:
                    fail("PRV-LATE", source, seconds=int(most))
        with self._counting:
            self._held -= len(payload) + MESSAGE_BYTES
        if told != tag:
            fail("PRV-MESSAGE", source, detail=f"{told} instead of {tag}")
        return payload

    def tell(self, kind: Type, *body: bytes) -> None:
        """A frame to the node. Raises UserError PRV-STOPPED where it is gone."""
        try:
            with self._writing:
                self._line.sendall(frame(kind, *body))
        except OSError as error:
            raise user_error("PRV-STOPPED", self.me) from error

    def take(self, body: bytes) -> None:
        """A part that came from another party."""
        try:
            source = self.parties[body[0]]
            message = self._open[source].add(body[1:])
            self._heard[source] = time.monotonic()
            if message is not None and message[0] != ALIVE:
                with self._counting:
                    self._held += len(message[1]) + MESSAGE_BYTES
                self._boxes[source].put(message)
            held = self._held + sum(m.held for m in self._open.values())
            if held > self._limits["inbox_bytes"]:
                fail("PRV-OVERSIZE", source, size=held, most=int(self._limits["inbox_bytes"]))
        except UserError as error:
            self._fault = self._fault or error

    def beat(self) -> None:
        """Tell the others from time to time that this process is at work, until the node is gone."""
        others = [party for party in self.parties if party != self.me]
        with contextlib.suppress(UserError):
            while True:
                time.sleep(self._limits["wait_seconds"] / BEATS)
                for party in others:
                    self.send(party, ALIVE, b"")


def _listen(line: socket.socket, link: NodeLink, start: threading.Event) -> None:
    """Take what the node sends, at once, so that no sender waits for a protocol's order of receiving."""
    with contextlib.suppress(EOFError, OSError, UserError):
        while True:
            kind, body = take_frame(line, NODE)
            if kind == Type.PART:
                link.take(body)
            elif kind == Type.START:
                start.set()
    os._exit(3)  # the node is gone or has cut the line: nobody is left to tell


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(3)


def _table(path: str | None) -> Any:  # noqa: ANN401 - a pyarrow table or None
    """The input, whose file is gone once it is mapped: a killed worker leaves none behind."""
    if path is None:
        return None
    import pyarrow as pa  # noqa: PLC0415 - costs a third of a second before the node could be watched

    with pa.memory_map(path) as source:
        table = pa.ipc.open_file(source).read_all()
    Path(path).unlink()
    return table


def _engine(spec: dict[str, Any], manifest: Manifest) -> Process | None:
    """The engine, where the job will ask for it, which loads while the rest does."""
    if manifest.engine.name != "spu" or spec["engine_python"] is None:
        return None
    return start_early(Path(spec["engine_python"]), Path(spec["folder"]), manifest.kind)


def _run(link: NodeLink, spec: dict[str, Any], manifest: Manifest, start: threading.Event) -> None:
    early = _engine(spec, manifest)
    import pyarrow as pa  # noqa: PLC0415 - as above

    from xinqiao.privacy.agreement.commitments import greet  # noqa: PLC0415 - as above
    from xinqiao.privacy.job.kind import Job, kind_of  # noqa: PLC0415 - as above

    kind = kind_of(manifest)
    said = [0.0]

    def progress(share: float) -> None:
        if time.monotonic() - said[0] > PROGRESS_SECONDS:
            said[0] = time.monotonic()
            link.tell(Type.PROGRESS, f"{min(max(share, 0.0), 1.0):.4f}".encode())

    engine = spec["engine_python"]
    job = Job(
        manifest=manifest,
        me=manifest.party(link.me),
        table=_table(spec["input"]),
        folder=Path(spec["folder"]),
        state=Path(spec["state"]),
        engine_python=None if engine is None else Path(engine),
        progress=progress,
    )
    if early is not None:
        early.wait()
    link.tell(Type.READY)
    start.wait()
    threading.Thread(target=link.beat, daemon=True).start()
    recorded = Recorded(link)
    greet(recorded)
    result = kind.run(job, recorded)
    out = Path(spec["out"])
    if result.table is not None:
        with pa.OSFile(str(out / TABLE), "wb") as sink, pa.ipc.new_file(sink, result.table.schema) as writer:
            writer.write_table(result.table)
    (out / RESULT).write_text(json.dumps(dict(result.told), ensure_ascii=False, default=_plain), "utf-8")
    (out / TRANSCRIPT).write_text(json.dumps([asdict(line) for line in recorded.lines]), "utf-8")
    link.tell(Type.RESULT)


def _plain(value: Any) -> Any:  # noqa: ANN401 - numpy's numbers and arrays as Python's
    if hasattr(value, "tolist"):
        return value.tolist()
    return dict(value) if hasattr(value, "keys") else list(value)


def _told(error: BaseException, me: str) -> bytes:
    if not isinstance(error, UserError):
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "xinqiao" in f.filename]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
        error = user_error("PRV-WORKER", me, detail=f"{type(error).__name__}, {place}")
    told = {"code": error.code, "where": error.where}
    words = {"what": error.what.model_dump(), "fix": error.fix.model_dump()}
    return json.dumps(told | words, ensure_ascii=False).encode()


def main() -> None:
    """Run the job that the node tells through the socket ``sys.argv[1]``, child of ``sys.argv[2]``."""
    _die_with(int(sys.argv[2]))
    os.umask(0o077)
    line = socket.socket(fileno=int(sys.argv[1]))
    kind, body = take_frame(line, NODE)
    spec = json.loads(body)
    if kind != Type.SPEC:
        sys.exit(3)
    if spec["memory_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (spec["memory_bytes"], spec["memory_bytes"]))
    manifest = read_manifest(spec["manifest"].encode(), NODE)
    link, start = NodeLink(line, manifest, spec["me"], spec["limits"]), threading.Event()
    threading.Thread(target=_listen, args=[line, link, start], daemon=True).start()
    try:
        _run(link, spec, manifest, start)
    except BaseException as error:  # noqa: BLE001 - every end is told to the node
        link.tell(Type.FAILED, _told(error, link.me))
    # the node ends this process, with all that it started, once it has taken what was said
    threading.Event().wait()


if __name__ == "__main__":
    main()
