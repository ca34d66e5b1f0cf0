"""A kind of job for tests of nodes: does what its parameters say, right or wrong, in real processes.

``python -m tests.privacy.drill node CONFIG`` is ``xinqiao node`` with that kind known to it and its workers.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.privacy.job import kind
from xinqiao.privacy.job.kind import Job, Kind, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.node import worker

NAME = "drill"
VALUE = "A-VALUE-OF-A-ROW"


def run(job: Job, link: Link) -> Result:
    others = [name for name in link.parties if name != link.me]
    at, begun = job.params.get("at"), time.monotonic()
    (job.folder / "temporary").write_text(VALUE)
    (job.state / "kept").touch()
    if at == link.me:
        _go_wrong(job, link, others)
    for _ in range(int(job.params.get("rounds", 0))):  # what a message there and back costs
        for name in others:
            link.send(name, "round", b"x" * 64)
        for name in others:
            link.receive(name, "round")
    rows = 0 if job.table is None else job.table.num_rows
    payload = np.arange(job.params.get("bytes", 8)).astype(np.uint8)
    for name in others:
        link.send(name, "rows", pack({"rows": rows, "ballast": payload}))
    total = rows
    for name in others:
        told = unpack(link.receive(name, "rows"), name, rows=int, ballast=np.ndarray)
        assert np.array_equal(told["ballast"], payload)
        total += told["rows"]
    if "measure" in job.params:
        return Result({"seconds": time.monotonic() - begun})
    for count in range(int(job.params.get("seconds", 0) * 10)):
        job.progress(count / (job.params["seconds"] * 10))
        time.sleep(0.1)
    if (job.params.get("last_attempt", 0)) and not (job.state / "again").exists():
        (job.state / "again").touch()
        time.sleep(60)
    return Result({"rows": total}, pa.table({"n": [total]}))


def _go_wrong(job: Job, link: Link, others: list[str]) -> None:
    wrong = job.params["wrong"]
    once = job.state / f"once-{job.manifest.job}"
    if wrong == "raise" or (wrong == "once" and not once.exists()):
        once.touch()
        raise ValueError(VALUE)
    if wrong == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if wrong == "oversize":
        link.inner._limits["message_bytes"] = 1 << 40  # type: ignore[attr-defined]
        link.send(others[0], "rows", bytes(200_000))
        time.sleep(60)
    if wrong == "tag":
        link.send(others[0], "another tag", b"")
        time.sleep(60)
    if wrong == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    if wrong == "child":
        os.system("sleep 314.15 &")  # noqa: S605 - what a library may leave behind


def check(manifest: Manifest) -> None:
    """Anything goes."""


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> dict[str, Result]:
    total = sum(table.num_rows for table in tables.values())
    return {name: Result({"rows": total}) for name in manifest.names}


KIND = Kind(
    name=NAME,
    version=1,
    title=Text(zh="演练", en="drill"),
    roles=(Role("holder", Text(zh="持有方", en="holder"), at_least=2, at_most=16),),
    protocols=(),
    check=check,
    learns=lambda manifest: dict.fromkeys(manifest.names, ()),
    run=run,
    plain=plain,
)


def known() -> None:
    """Make this process know the kind, besides the others."""
    others = kind.kind_named
    kind.kind_named = lambda name: KIND if name == NAME else others(name)


def main() -> None:
    known()
    if sys.argv[1] == "node":
        from xinqiao.privacy.agreement.config import read_config  # noqa: PLC0415 - as above
        from xinqiao.privacy.node import child  # noqa: PLC0415 - as above
        from xinqiao.privacy.node.node import serve  # noqa: PLC0415 - as above

        child.WORKER = (sys.executable, "-m", "tests.privacy.drill")
        try:
            serve(read_config(Path(sys.argv[2])))
        except UserError as error:
            print(error, file=sys.stderr)  # noqa: T201 - as the command line does
            sys.exit(2)
        assert threading.active_count() < 10
    else:
        worker.main()


if __name__ == "__main__":
    main()
