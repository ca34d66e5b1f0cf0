"""Telling a party that waits that one is still at work, so that its wait does not run out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.link import WAIT_SECONDS, Link
from xinqiao.privacy.job.wire import pack, unpack

BEAT_SECONDS = WAIT_SECONDS / 6
_TAG = "at-work"


@contextmanager
def at_work(link: Link, to: str) -> Iterator[None]:
    """While this lasts, ``to`` is told every BEAT_SECONDS; at the end that it is done, not after an error.

    ``to`` must call ``wait_for``. It learns nothing but how long the work takes.
    """
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT_SECONDS):
            with suppress(UserError):  # a lost peer is the job's to find, not this thread's
                link.send(to, _TAG, pack({"done": 0}))

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    link.send(to, _TAG, pack({"done": 1}))


def wait_for(link: Link, source: str) -> None:
    """Wait until ``source`` has done its work. Raises UserError PRV-LATE, PRV-PEER-LOST, PRV-MESSAGE."""
    while not unpack(link.receive(source, _TAG), source, done=int)["done"]:
        pass
