"""Keys of a test, and two banks with two administrators each."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pytest

from xinqiao.account import seed
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.protect import Keyring

PASSWORD = "七月 的 桥 上 有 风"  # noqa: S105 - of a test


@pytest.fixture
def ring() -> Keyring:
    return Keyring({"k1": os.urandom(32)}, "k1")


@dataclass(frozen=True)
class Bank:
    """A bank and its first two administrators."""

    id: UUID
    first: Actor
    second: Actor


def found_bank(database: Database, ring: Keyring, number: int) -> Bank:
    """Bank ``number``, admitted, with two administrators."""
    with database.transaction(SYSTEM) as tx:
        bank = seed.institution(
            tx,
            kind="bank",
            name=f"示范{number}号银行",
            uscc=f"91350200MA00000{number:02}X",
            filing_number="许可-1",
        )
        actors = []
        for place in (1, 2):
            person = seed.person(
                tx,
                ring,
                name=f"管理员{number}{place}",
                phone=f"1380000{number:02}{place:02}",
                password=PASSWORD,
                institution_id=bank,
                roles=["bank.admin"],
            )
            actors.append(Actor("bank", frozenset({"bank.admin"}), f"管理员{number}{place}", person, bank))
    return Bank(bank, *actors)


@pytest.fixture
def make_bank(database: Database, ring: Keyring) -> Callable[[int], Bank]:
    return lambda number: found_bank(database, ring, number)
