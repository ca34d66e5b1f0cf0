"""A log with lines in it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from xinqiao.db.database import SYSTEM, Database
from xinqiao.evidence.log import record
from xinqiao.evidence.sequencer import sequence
from xinqiao.kernel.protect import Keyring

RING = Keyring({"k": bytes(range(32))}, "k")


@pytest.fixture
def ring() -> Keyring:
    """The platform's keys."""
    return RING


@pytest.fixture
def filled(database: Database) -> Callable[[int], list[UUID]]:
    """Record that many decisions and give them their place; returns their entries in order of the log."""

    def fill(count: int) -> list[UUID]:
        with database.transaction(SYSTEM) as tx:
            made = [record(tx, "decision", {"number": n, "企业": "甲"}, subject="C1") for n in range(count)]
        sequence(database, RING)
        return sorted(made)

    return fill
