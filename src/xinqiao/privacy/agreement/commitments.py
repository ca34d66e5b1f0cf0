"""What a party commits to: its input, its result and every message of a job, without telling any of them.

A commitment is the keyed hash under a random salt that the party keeps: it can later show an auditor what
it brought, and nothing else, and nobody can guess it from the commitment. Messages are committed to by
channel (from one party to another, each message's tag, size and digest); both ends find the same, so
receipts can be compared without asking anybody. Each channel begins with 32 random bytes (``greet``), so
the others, who see its digest, can't try out what was said.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.suite import INTERNATIONAL
from xinqiao.privacy.agreement.signing import RECEIPT, Identity, sign, signed
from xinqiao.privacy.job.link import Link, Sent
from xinqiao.privacy.job.manifest import Hex32, Manifest, Name
from xinqiao.privacy.job.wire import pack, unpack

SALT_BYTES = 32
GREETING = "greeting"
_INPUT, _RESULT = b"xinqiao privacy input v1\n", b"xinqiao privacy result v1\n"


class Receipt(BaseModel):
    """What one party says of a job that is done.

    ``sent`` and ``received``: the digest of each channel, by the other's name; sizes stay with the two.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: Literal["xinqiao.receipt/1"] = "xinqiao.receipt/1"
    job: str
    manifest: Hex32
    party: Name
    attempt: int = Field(ge=1)
    input: Hex32
    result: Hex32
    sent: dict[Name, Hex32]
    received: dict[Name, Hex32]
    at: datetime

    def canonical(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(self.model_dump(mode="json"))


def greet(link: Link) -> None:
    """Begin each channel with 32 random bytes; called once at every party before the protocol."""
    others = [name for name in link.parties if name != link.me]
    for name in others:
        link.send(name, GREETING, pack({"salt": secrets.token_bytes(SALT_BYTES)}))
    for name in others:
        if len(unpack(link.receive(name, GREETING), name, salt=bytes)["salt"]) != SALT_BYTES:
            fail("PRV-MESSAGE", name, detail=GREETING)


def new_salt() -> bytes:
    """Of one commitment."""
    return secrets.token_bytes(SALT_BYTES)


def input_commitment(salt: bytes, table: pa.Table | None) -> str:
    """The commitment to a table (its Arrow stream; none: to nothing) as hex."""
    return INTERNATIONAL.mac(salt, _INPUT + table_bytes(table)).hex()


def result_commitment(salt: bytes, told: bytes, delivered: bytes | None) -> str:
    """The commitment to a result: its canonical JSON and the Parquet file of its rows."""
    parts = f"{digest(told)}\n{'-' if delivered is None else digest(delivered)}\n"
    return INTERNATIONAL.mac(salt, _RESULT + parts.encode()).hex()


def table_bytes(table: pa.Table | None) -> bytes:
    """A table as one Arrow stream of one batch."""
    if table is None:
        return b""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def channels(lines: Sequence[Sent], direction: Literal["sent", "received"]) -> dict[str, str]:
    """The digest of each channel of a transcript in one direction, by the other party.

    Messages count in an order of their own, for an engine sends from several threads at once.
    """
    told: dict[str, list[list[Any]]] = {}
    for line in lines:
        if line.direction == direction:
            told.setdefault(line.peer, []).append([line.tag, line.size_bytes, line.sha256])
    return {peer: digest(canonical_json(sorted(found))) for peer, found in told.items()}


def sign_receipt(receipt: Receipt, identity: Identity) -> bytes:
    """The party's signature under its receipt."""
    return sign(identity.pair, RECEIPT, receipt.canonical())


def read_receipt(manifest: Manifest, party: str, body: bytes, signature: bytes) -> Receipt:
    """A receipt that ``party`` signed for this manifest. Raises UserError PRV-RECEIPT."""
    where = str(manifest.job)
    try:
        receipt = Receipt.model_validate_json(body)
    except ValidationError as error:
        raise user_error("PRV-RECEIPT", where, party=party) from error
    told = (receipt.job, receipt.manifest, receipt.party)
    if told != (where, manifest.digest, party) or receipt.canonical() != body:
        fail("PRV-RECEIPT", where, party=party)
    if not signed(manifest.party(party).signing_key, RECEIPT, body, signature):
        fail("PRV-RECEIPT", where, party=party)
    return receipt


def disagreements(receipts: Mapping[str, Receipt]) -> list[tuple[str, str]]:
    """The channels (from, to) of which the two ends tell different things."""
    wrong = []
    for name, receipt in receipts.items():
        for other in receipts:
            if other == name:
                continue
            if receipt.sent.get(other) != receipts[other].received.get(name):
                wrong.append((name, other))
    return wrong
