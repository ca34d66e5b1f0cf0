"""The server's list behind a private look-up: sealed rows in buckets of one size, made once an epoch.

Each list (a source with its columns) has a key of its own, so that an output is of no use with another.
An id's output of the oblivious function gives its bucket, a tag to find its row by and the key its row is
sealed under; who has not been given the output can tell a row from random bytes no better than by chance,
so buckets are filled up with random bytes. The root of a Merkle tree over the buckets is told, so that a
server can't show one client another list than the rest without being found out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from xinqiao.evidence import merkle
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.suite import HASH_BYTES, International
from xinqiao.privacy.crypto import kept
from xinqiao.privacy.crypto.group import ORDER, random_scalar
from xinqiao.privacy.crypto.oprf import OUTPUT_BYTES, evaluate_known
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.lists.lookup_terms import SALT_BYTES, TAG_BYTES, Shape, Terms, list_name

SUITE = International()
CHUNK = 20_000
"""Ids hashed between two reports of progress."""
NONCE = bytes(12)
"""Every key seals one row."""
TYPES = {"int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_(), "string": pa.string()}
"""Types of columns that are told as such; all others travel as text."""


@dataclass(frozen=True, slots=True)
class SealedList:
    """A list ready to be asked."""

    key: int
    salt: bytes
    shape: Shape
    columns: list[list[str]]
    rows: np.ndarray[Any, np.dtype[np.uint8]]
    tree: list[list[bytes]]
    """Hashes of the Merkle tree over the buckets, from the leaves up; their number is a power of two."""

    @property
    def root(self) -> bytes:
        """The hash over all buckets."""
        return self.tree[-1][0]

    def offer(self) -> dict[str, bytes | str]:
        """What every client is told of the list."""
        return {"root": self.root, "salt": self.salt, "columns": json.dumps(self.columns)}

    def proof(self, bucket: int) -> bytes:
        """The hashes that show that a bucket is under the root (RFC 6962), 32 bytes each."""
        return b"".join(level[bucket >> up ^ 1] for up, level in enumerate(self.tree[:-1]))


def tree_of(leaves: list[bytes]) -> list[list[bytes]]:
    """All levels of the Merkle tree over a power of two of leaves."""
    levels: list[list[bytes]] = [[] for _ in range(len(leaves).bit_length())]
    for node in merkle.grown(SUITE, 0, [], leaves):
        levels[node.level].append(node.hash)
    return levels


def encoded(table: pa.Table, where: str) -> list[bytes]:
    """Ids of the first column as bytes. Raises UserError PRV-LOOKUP-KEYS for missing or repeated ones."""
    keys = table.column(0).cast(pa.string()).to_pylist()
    if None in keys or len(set(keys)) != len(keys):
        fail("PRV-LOOKUP-KEYS", where)
    return [str(key).encode() for key in keys]


def typed(table: pa.Table) -> pa.Table:
    """The columns after the key, in types that are told."""
    told = {}
    for name in table.column_names[1:]:
        column = table.column(name)
        if pa.types.is_integer(column.type):
            column = column.cast(pa.int64())
        elif pa.types.is_floating(column.type):
            column = column.cast(pa.float64())
        elif not pa.types.is_boolean(column.type):
            column = column.cast(pa.string())
        told[name] = column
    return pa.table(told)


def sealed_list(job: Job, table: pa.Table, terms: Terms, shape: Shape) -> SealedList:
    """The list of ``table``, as kept in the job's state if nothing changed, else made.

    Its files stay open after another job has renamed its own into their place. Raises UserError
    PRV-LOOKUP-KEYS, PRV-LOOKUP-ROW (a row has no room), PRV-LOOKUP-FULL (a bucket has none).
    """
    where, folder = job.me.name, job.state / f"lookup-{list_name(job.manifest, terms)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with kept.locked(folder / "lock"):  # else two jobs with unlike tables swap rows
        key = _key(folder / "key")
        secret = key.to_bytes(32, "little")
        values = typed(table)
        columns = [[name, str(values.schema.field(name).type)] for name in values.column_names]
        mark, made = _mark(secret, table, shape), folder / "list.json"
        told: dict[str, str] = json.loads(made.read_text("utf-8")) if made.exists() else {}
        size = (shape.buckets, shape.room, shape.sealed_bytes)
        if not mark.items() <= told.items():
            made.unlink(missing_ok=True)
            outputs = _outputs(folder / "outputs.parquet", key, encoded(table, where), terms, job.progress)
            told = mark | {"salt": os.urandom(SALT_BYTES).hex()}
            rows_now = _sealed(outputs, values, shape, bytes.fromhex(told["salt"]), where)
            watched = _watched(rows_now, len(outputs), job.progress)
            _fill(folder, size, watched, [shape.bucket(output) for output in outputs])
            kept.write(made, json.dumps(told).encode())
        rows = np.memmap(folder / "rows", np.uint8, "r", shape=size)
        leaves = (folder / "leaves").read_bytes()
        tree = tree_of([leaves[at : at + HASH_BYTES] for at in range(0, len(leaves), HASH_BYTES)])
        return SealedList(key, bytes.fromhex(told["salt"]), shape, columns, rows, tree)


def _key(file: Path) -> int:
    """The epoch's key: drawn once."""
    if not file.exists():
        kept.write(file, random_scalar().to_bytes(32, "little"))
    return int.from_bytes(file.read_bytes(), "little") % ORDER


def _mark(secret: bytes, table: pa.Table, shape: Shape) -> dict[str, str]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    mac = hmac.new(secret, memoryview(sink.getvalue()), hashlib.sha256).hexdigest()
    return {"shape": shape.model_dump_json(), "table": mac}


def _outputs(
    file: Path, key: int, keys: Sequence[bytes], terms: Terms, progress: Callable[[float], None]
) -> list[bytes]:
    """The function's output of each id; those of ids seen earlier in the epoch are kept."""
    secret = key.to_bytes(32, "little")
    marks = [hashlib.blake2b(each, digest_size=16, key=secret).digest() for each in keys]
    known: dict[bytes, bytes] = {}
    if file.exists():
        table = pq.read_table(file)
        known = dict(zip(table["mark"].to_pylist(), table["output"].to_pylist(), strict=True))
    new = [n for n, mark in enumerate(marks) if mark not in known]
    for start in range(0, len(new), CHUNK):
        chunk = new[start : start + CHUNK]
        told = evaluate_known(key, [keys[n] for n in chunk], terms.mode)
        known |= {marks[n]: output for n, output in zip(chunk, told, strict=True)}
        progress(0.8 * (start + len(chunk)) / len(new))
    found = [known[mark] for mark in marks]
    if new:
        partial = file.with_suffix(".partial")
        kept.write(partial, b"")
        columns = {"mark": pa.array(marks, pa.binary(16)), "output": pa.array(found, pa.binary(OUTPUT_BYTES))}
        pq.write_table(pa.table(columns), partial)
        partial.replace(file)
    return found


def _watched(rows: Iterator[bytes], count: int, progress: Callable[[float], None]) -> Iterator[bytes]:
    for n, row in enumerate(rows):
        if n % CHUNK == 0:
            progress(0.8 + 0.2 * n / count)
        yield row


def _sealed(
    outputs: Sequence[bytes], values: pa.Table, shape: Shape, salt: bytes, where: str
) -> Iterator[bytes]:
    """Each row behind its tag, under its own key."""
    columns = [column.to_pylist() for column in values.columns]
    told = zip(*columns, strict=True) if columns else (() for _ in outputs)
    for output, row in zip(outputs, told, strict=True):
        try:
            plain = canonical_json(list(row))
        except ValueError:
            fail("PRV-LOOKUP-ROW", where, room=shape.row_bytes - 2)
        if len(plain) > shape.row_bytes - 2:
            fail("PRV-LOOKUP-ROW", where, room=shape.row_bytes - 2)
        padded = len(plain).to_bytes(2, "big") + plain.ljust(shape.row_bytes - 2, b"\0")
        tag, key = parts(output, salt)
        yield tag + ChaCha20Poly1305(key).encrypt(NONCE, padded, tag)


def parts(output: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """The tag and the sealing key of an id in the list made with ``salt``: of that list alone.

    So who fetches a bucket of two lists can't tell rows that stayed from what fills it up.
    """
    return (
        hashlib.blake2b(output[8:32], digest_size=TAG_BYTES, key=salt).digest(),
        hashlib.blake2b(output[32:], digest_size=32, key=salt).digest(),
    )


def opened(bucket: np.ndarray[Any, np.dtype[np.uint8]], output: bytes, salt: bytes) -> list[Any] | None:
    """The row of an id in its bucket, or None. Raises InvalidTag where the seal is broken."""
    tag, key = parts(output, salt)
    at = np.flatnonzero((bucket[:, :TAG_BYTES] == np.frombuffer(tag, np.uint8)).all(axis=1))
    if not len(at):
        return None
    plain = ChaCha20Poly1305(key).decrypt(NONCE, bucket[at[0], TAG_BYTES:].tobytes(), tag)
    told = json.loads(plain[2 : 2 + int.from_bytes(plain[:2], "big")])
    return told if isinstance(told, list) else None


def _fill(folder: Path, size: tuple[int, int, int], rows: Iterator[bytes], places: Sequence[int]) -> None:
    """Write buckets filled up with random bytes, rows in the order of their tags, and the buckets' hashes."""
    data = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, size[2])
    order = np.argsort(np.array(places, np.int64), kind="stable")
    counts = np.bincount(np.array(places, np.int64), minlength=size[0])
    if len(places) and counts.max() > size[1]:
        fail("PRV-LOOKUP-FULL", folder.name)
    partial, leaves, at = folder / "rows.partial", [], 0
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        for count in counts:
            bucket = np.frombuffer(os.urandom(size[1] * size[2]), np.uint8).reshape(size[1:]).copy()
            bucket[:count] = data[order[at : at + count]]
            at += count
            by_tag = np.lexsort(bucket[:, TAG_BYTES - 1 :: -1].T)
            told = bucket[by_tag].tobytes()
            leaves.append(merkle.leaf_hash(SUITE, told))
            out.write(told)
    partial.replace(folder / "rows")
    kept.write(folder / "leaves", b"".join(leaves))


def spend(state: Path, client: str, count: int, terms: Terms) -> int:
    """Book ``count`` ids on the client's quota; what is left of it, or -1 and nothing booked."""
    file = state / "lookup_quota.json"
    with kept.locked(file.with_suffix(".lock")):
        spent: list[list[Any]] = json.loads(file.read_text("utf-8")) if file.exists() else []
        at = now()
        since = (at - timedelta(days=terms.days)).isoformat()
        used = sum(int(n) for name, when, n in spent if name == client and when > since)
        if used + count > terms.quota:
            return -1
        recent = [entry for entry in spent if entry[1] > (at - timedelta(days=366)).isoformat()]
        kept.write(file, json.dumps([*recent, [client, at.isoformat(), count]]).encode())
        return terms.quota - used - count
