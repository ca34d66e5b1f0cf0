"""Private look-up: a client asks a server's list about ids; the server learns neither ids nor answers.

The client gets the oblivious function's output of its ids (RFC 9497), fetches the buckets they fall in and
opens the rows that are its own. In the mode ``voprf`` the server proves that it used the epoch's key, and
every bucket is proved to be of the one list whose root was told.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidTag

from xinqiao.evidence import merkle
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.crypto import oprf
from xinqiao.privacy.crypto.stream import shuffled
from xinqiao.privacy.job.kind import Job, Kind, Protocol, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, unpack, whole_array
from xinqiao.privacy.lists.lookup_list import SUITE, TYPES, encoded, opened, sealed_list, spend, typed
from xinqiao.privacy.lists.lookup_terms import (
    SALT_BYTES,
    Shape,
    Terms,
    check,
    learns,
    list_name,
    shape_of,
    terms_of,
)

COST = Text(
    zh="百万行名单每个密钥期一次约 2 CPU 分钟；此后每次查询毫秒级，另下载一桶",
    en="about 2 CPU minutes for 1M rows once an epoch; then milliseconds and one bucket a query",
)


def run(job: Job, link: Link) -> Result:
    """The protocol. Raises UserError PRV-LOOKUP-QUOTA at both, PRV-LOOKUP-LIST and others at the client."""
    terms = terms_of(job.manifest)
    shape = shape_of(job.manifest, terms)
    if job.me.role == "server":
        return _serve(job, link, job.rows, terms, shape)
    return _ask(job, link, job.rows, terms, shape)


def _serve(job: Job, link: Link, table: pa.Table, terms: Terms, shape: Shape) -> Result:
    client = job.manifest.only("client").name
    held = sealed_list(job, table, terms, shape)
    public = oprf.public_key(held.key) if terms.mode == "voprf" else b""
    link.send(client, "offer", pack({**held.offer(), "public": public}))
    blinded = oprf.checked(
        unpack(link.receive(client, "blinded"), client, points=np.ndarray)["points"], client
    )
    left = spend(job.state, client, len(blinded), terms)
    if left < 0:
        link.send(client, "evaluated", pack({"left": left, "points": blinded[:0], "proof": b""}))
        fail("PRV-LOOKUP-QUOTA", client, quota=terms.quota, days=terms.days)
    points = oprf.evaluate(held.key, blinded, client)
    proof = oprf.prove(held.key, blinded, points) if terms.mode == "voprf" else b""
    link.send(client, "evaluated", pack({"left": left, "points": points, "proof": proof}))
    wanted = whole_array(link.receive(client, "wanted"), client, (len(blinded),), "<u4", "buckets")
    if (wanted >= shape.buckets).any():
        fail("PRV-MESSAGE", client, detail="buckets")
    for bucket in wanted.tolist():
        link.send(client, "bucket", pack({"rows": held.rows[bucket], "proof": held.proof(bucket)}))
    return Result({"asked": len(blinded), "left": left, "list_root": held.root.hex()})


def _ask(job: Job, link: Link, table: pa.Table, terms: Terms, shape: Shape) -> Result:
    server = job.manifest.only("server").name
    keys = encoded(table, link.me)
    offer = unpack(link.receive(server, "offer"), server, public=bytes, root=bytes, salt=bytes, columns=str)
    columns = _columns(offer["columns"], server, job.manifest)
    if len(offer["salt"]) != SALT_BYTES:
        fail("PRV-MESSAGE", server, detail="salt")
    if terms.mode == "voprf":
        _same_key(job, server, terms, offer["public"])
    asked, places = _batch(keys, terms.batch_to)
    blinded = oprf.blind(asked, terms.mode)
    link.send(server, "blinded", pack({"points": blinded.points}))
    told = unpack(link.receive(server, "evaluated"), server, left=int, points=np.ndarray, proof=bytes)
    if told["left"] < 0:
        fail("PRV-LOOKUP-QUOTA", server, quota=terms.quota, days=terms.days)
    if terms.mode == "voprf":
        oprf.verify(offer["public"], blinded.points, told["points"], told["proof"], server)
    outputs = oprf.finalize(blinded, told["points"], server)
    wanted = [shape.bucket(output) for output in outputs]
    link.send(server, "wanted", pack({"buckets": np.array(wanted, np.uint32)}))
    found = [_fetch(link, server, shape, offer, output) for output in outputs]
    rows = [found[place] for place in places]
    found_table = _table(table.column(0), rows, columns, server)
    counts = {"asked": len(rows), "found": len(rows) - rows.count(None)}
    return Result({**counts, "left": told["left"], "list_root": offer["root"].hex()}, found_table)


def _batch(keys: Sequence[bytes], multiple: int) -> tuple[list[bytes], list[int]]:
    """Ids and random ones to fill up, in random order; where each id stands."""
    size = max(1, -(-len(keys) // multiple)) * multiple
    order = shuffled(size).tolist()
    asked = [*keys, *(os.urandom(32) for _ in range(size - len(keys)))]
    batch = [b""] * size
    for n, place in enumerate(order):
        batch[place] = asked[n]
    return batch, order[: len(keys)]


def _fetch(
    link: Link, server: str, shape: Shape, offer: Mapping[str, Any], output: bytes
) -> list[Any] | None:
    """The row of an id, from its bucket, which is checked to be under the root. Raises PRV-LOOKUP-LIST."""
    told = unpack(link.receive(server, "bucket"), server, rows=np.ndarray, proof=bytes)
    rows, proof = told["rows"], told["proof"]
    if (
        rows.dtype != np.uint8
        or rows.shape != (shape.room, shape.sealed_bytes)
        or len(proof) != 32 * shape.bits
    ):
        fail("PRV-LOOKUP-LIST", server)
    hashes = [proof[at : at + 32] for at in range(0, len(proof), 32)]
    leaf = merkle.leaf_hash(SUITE, rows.tobytes())
    if merkle.root_of_inclusion(SUITE, leaf, shape.bucket(output), shape.buckets, hashes) != offer["root"]:
        fail("PRV-LOOKUP-LIST", server)
    try:
        return opened(rows, output, offer["salt"])
    except (InvalidTag, ValueError):
        return fail("PRV-LOOKUP-LIST", server)


def _same_key(job: Job, server: str, terms: Terms, public: bytes) -> None:
    """The list's key is that of the manifest, or the first seen in the epoch. Raises PRV-LOOKUP-KEY."""
    file = job.state / f"lookup-{server}-{list_name(job.manifest, terms)}.public"
    known = terms.public_key
    if known is None:
        if not file.exists():
            file.write_text(public.hex(), "utf-8")
        known = file.read_text("utf-8")
    if public.hex() != known:
        fail("PRV-LOOKUP-KEY", server, epoch=terms.epoch)


def _columns(text: str, server: str, manifest: Manifest) -> dict[str, pa.DataType]:
    """The list's columns with their types: the agreed ones, whatever else the server would have us show."""
    try:
        told = {str(name): TYPES[kind] for name, kind in json.loads(text)}
    except (ValueError, KeyError, TypeError) as error:
        fail("PRV-MESSAGE", server, detail=f"columns: {error}")
    brought = manifest.only("server").input
    if {"key", "found"} & set(told) or list(told) != list(brought.columns if brought else ()):
        fail("PRV-MESSAGE", server, detail="columns")
    return told


def _table(
    keys: pa.ChunkedArray, rows: Sequence[list[Any] | None], columns: Mapping[str, pa.DataType], server: str
) -> pa.Table:
    found = [row is not None for row in rows]
    told: dict[str, Any] = {"key": keys, "found": pa.array(found, pa.bool_())}
    if any(row is not None and len(row) != len(columns) for row in rows):
        fail("PRV-LOOKUP-LIST", server)
    try:
        for n, (name, kind) in enumerate(columns.items()):
            told[name] = pa.array([None if row is None else row[n] for row in rows], kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        fail("PRV-LOOKUP-LIST", server)
    return pa.table(told)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """The same from both tables at once; without what is left of the quota, and the list's root."""
    terms, client, server = terms_of(manifest), manifest.only("client").name, manifest.only("server").name
    keys, values = encoded(tables[client], client), typed(tables[server])
    rows = dict(zip(encoded(tables[server], server), values.to_pylist(), strict=True))
    told = [None if (row := rows.get(key)) is None else list(row.values()) for key in keys]
    columns = {field.name: TYPES[str(field.type)] for field in values.schema}
    table = _table(tables[client].column(0), told, columns, server)
    asked = len(_batch(keys, terms.batch_to)[0])
    counts = {"asked": len(keys), "found": len(told) - told.count(None)}
    return {client: Result(counts, table), server: Result({"asked": asked})}


KIND = Kind(
    name="lookup",
    version=1,
    title=Text(zh="匿踪查询", en="Private look-up"),
    roles=(
        Role("client", Text(zh="查询方", en="client")),
        Role("server", Text(zh="名单持有方", en="server, who holds the list"), receives=False),
    ),
    protocols=(
        Protocol(
            "OPRF(ristretto255, SHA-512), sealed rows in buckets",
            "RFC 9497 (2023)",
            Text(
                zh="客户端可作恶（受配额约束）；服务端半诚实",
                en="client may cheat (quotas bound it); server semi-honest",
            ),
            Text(zh="仅两方，无合谋之说", en="two parties: nothing to collude on"),
            COST,
        ),
        Protocol(
            "VOPRF(ristretto255, SHA-512) with a proof of the key, Merkle root over the buckets",
            "RFC 9497 (2023); RFC 6962 (2013)",
            Text(
                zh="客户端可作恶（受配额约束）；服务端换密钥、换名单均可察觉，但名单内容真伪不在其内",
                en="client may cheat (quotas bound it); a server that changes key or list is found out, "
                "but not one whose list is untrue",
            ),
            Text(zh="仅两方，无合谋之说", en="two parties: nothing to collude on"),
            COST,
        ),
    ),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
