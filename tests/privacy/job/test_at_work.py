from __future__ import annotations

import time

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job import at_work as module
from xinqiao.privacy.job.at_work import at_work, wait_for
from xinqiao.privacy.job.link import Link, Recorded, play


def test_whoever_waits_is_told_until_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)
    lines = []

    def worker(link: Link) -> None:
        with at_work(link, "waiter"):
            time.sleep(0.4)
        link.send("waiter", "result", b"1")

    def waiter(link: Link) -> bytes:
        recorded = Recorded(link)
        wait_for(recorded, "worker")
        lines.extend(recorded.lines)
        return link.receive("worker", "result")

    assert play({"worker": worker, "waiter": waiter})["waiter"] == b"1"
    assert len(lines) > 2


def test_an_error_is_not_told_as_done() -> None:
    def worker(link: Link) -> None:
        with at_work(link, "waiter"):
            message = "broken"
            raise ValueError(message)

    def waiter(link: Link) -> None:
        wait_for(link, "worker")

    with pytest.raises((ValueError, UserError), match="broken"):
        play({"worker": worker, "waiter": waiter})
