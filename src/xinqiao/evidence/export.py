"""The whole log as a file of lines, its last the checkpoint over them; written, and checked offline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from xinqiao.db.database import PUBLIC, Database
from xinqiao.evidence.merkle import Growing, leaf_hash
from xinqiao.evidence.note import Checkpoint, Note
from xinqiao.evidence.proof import checkpoint
from xinqiao.evidence.trust import Finding, Trust, bad, good
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail, user_error

PAGE = 2_000
_LAST = b'{"checkpoint":'


def export(database: Database) -> Iterator[bytes]:
    """The log up to its latest checkpoint, read page by page."""
    with database.transaction(PUBLIC) as tx:
        note = checkpoint(tx)
    size = Checkpoint.read(note.text).size
    for start in range(0, size, PAGE):
        with database.transaction(PUBLIC) as tx:
            rows = tx.execute(
                "SELECT line FROM log_leaf JOIN evidence_entry ON id = entry_id "
                "WHERE idx >= %s AND idx < %s ORDER BY idx",
                [start, min(start + PAGE, size)],
            ).fetchall()
        yield "".join(f"{row['line']}\n" for row in rows).encode()
    yield canonical_json({"checkpoint": str(note)}) + b"\n"


def verify_export(
    data: Iterable[bytes], trust: Trust, since: str | None = None, where: str = "log"
) -> list[Finding]:
    """What an exported log shows; ``since``: an older checkpoint, which it must have grown from.

    Any line changed, removed, added or moved gives another root than the one that was signed.
    """
    older = None if since is None else Checkpoint.read(Note.read(since).text)
    tree = Growing(trust.log.suite)
    grown, text = older is not None and (older.size, older.root) == (0, tree.root()), ""
    for number, raw in enumerate(data, 1):
        if text or not raw.endswith(b"\n"):
            fail("EVD-BUNDLE", f"{where}:{number}", detail="after the checkpoint, or without a line end")
        if raw.startswith(_LAST):
            text = _checkpoint(raw, f"{where}:{number}")
            continue
        tree.add(leaf_hash(trust.log.suite, raw[:-1]))
        if older is not None and tree.size == older.size:
            grown = tree.root() == older.root
    note, told, signed = trust.signed(text)
    found = [signed, _whole(tree, told)]
    if older is not None:
        found.append(_grown(older.size) if grown else _not_grown(older.size))
    return [*found, *([] if note is None else trust.witnessed(note))]


def _checkpoint(raw: bytes, where: str) -> str:
    try:
        return str(json.loads(raw)["checkpoint"])
    except ValueError as error:
        raise user_error("EVD-BUNDLE", where, detail=str(error)) from error


def _whole(tree: Growing, told: Checkpoint | None) -> Finding:
    size = tree.size
    if told is not None and (told.size, told.root) == (size, tree.root()):
        return good(f"全部 {size} 行与签名的根一致", f"all {size} lines fit the signed root")
    return bad(
        f"{size} 行与签名的根不一致：有行被改、删、增或换序",
        f"the {size} lines do not fit the signed root: one was changed, removed, added or moved",
    )


def _grown(size: int) -> Finding:
    return good(f"由长度 {size} 的旧检查点延续而来", f"grown from the older checkpoint of {size} lines")


def _not_grown(size: int) -> Finding:
    return bad(f"不是长度 {size} 的旧检查点的延续", f"not grown from the older checkpoint of {size} lines")
