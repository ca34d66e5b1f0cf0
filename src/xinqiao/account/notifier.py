"""Short messages to a phone: kept for the demo to show, or sent by a gateway over HTTPS."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import httpx2

from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring, seal, unseal
from xinqiao.kernel.text import Text

TIMEOUT_SECONDS = 5
MAX_SHOWN = 20


class Notifier(Protocol):
    """Sends a text to a phone."""

    def send(self, tx: Tx, ring: Keyring, phone: str, text: Text) -> None:
        """Send it, or raise UserError ACC-GATEWAY."""


class Outbox:
    """Keeps messages, sealed, for the demo's own page: nothing leaves the machine."""

    def send(self, tx: Tx, ring: Keyring, phone: str, text: Text) -> None:
        """Keep the message."""
        made = new_id()
        body = json.dumps({"phone": phone, "zh": text.zh, "en": text.en})
        with acting(tx, SYSTEM):
            tx.execute(
                "INSERT INTO message (id, sealed, made_at) VALUES (%s, %s, %s)",
                [made, seal(body, ring, f"message/{made}"), now()],
            )


@dataclass(frozen=True, slots=True)
class Kept:
    """A message of the outbox."""

    phone: str
    text: Text
    made_at: datetime


def kept(tx: Tx, ring: Keyring) -> list[Kept]:
    """The latest messages of the outbox, the newest first. For demos only."""
    with acting(tx, SYSTEM):
        rows = tx.execute("SELECT * FROM message ORDER BY id DESC LIMIT %s", [MAX_SHOWN]).fetchall()
    told = [(json.loads(unseal(row["sealed"], ring, f"message/{row['id']}")), row["made_at"]) for row in rows]
    return [Kept(body["phone"], Text(zh=body["zh"], en=body["en"]), at) for body, at in told]


@dataclass(frozen=True, slots=True)
class Gateway:
    """Posts ``{"to", "text"}`` to a gateway that answers 2xx; ``key`` goes as a bearer token."""

    address: str
    key: str

    def __repr__(self) -> str:
        return f"Gateway({self.address!r})"

    def send(self, tx: Tx, ring: Keyring, phone: str, text: Text) -> None:  # noqa: ARG002 - the seam's shape
        """Send the message now; a gateway that does not answer is an error the person sees."""
        body = {"to": phone, "text": f"{text.zh} {text.en}"}
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            answer = httpx2.post(self.address, json=body, headers=headers, timeout=TIMEOUT_SECONDS)
        except httpx2.HTTPError:
            fail("ACC-GATEWAY", "gateway", detail="-")
        if not answer.is_success:
            fail("ACC-GATEWAY", "gateway", detail=answer.status_code)


def notifier_of_environment() -> Notifier:
    """The gateway named by XINQIAO_MESSAGE_URL and XINQIAO_MESSAGE_KEY, else the outbox."""
    address = os.environ.get("XINQIAO_MESSAGE_URL")
    return Outbox() if not address else Gateway(address, os.environ.get("XINQIAO_MESSAGE_KEY", ""))
