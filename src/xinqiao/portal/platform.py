"""What the running platform consists of; every request finds it as ``request.app.state.platform``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from starlette.requests import Request

from xinqiao.account.actor import Actor
from xinqiao.account.notifier import Notifier, notifier_of_environment
from xinqiao.db.database import Database, Tx
from xinqiao.kernel.protect import Keyring


@dataclass(frozen=True, slots=True)
class Signed:
    """Who a request is from. ``csrf``: what forms must send back; None where no cookie is involved.

    ``confirmed_at``: when the person last gave password, code or passkey; signing needs a fresh one.
    """

    actor: Actor
    csrf: str | None
    confirmed_at: datetime | None = None


Authenticate = Callable[[Tx, Request], Signed | None]
"""Looks at cookie or Authorization header under the scope SYSTEM; None: a visitor. Raises UserError."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Database, keys and settings. ``generated``: the data is generated, and every page says so."""

    database: Database
    keyring: Keyring
    authenticate: Authenticate
    folder: Path
    address: str
    generated: bool = False
    secure: bool = True
    notifier: Notifier = field(default_factory=notifier_of_environment)
