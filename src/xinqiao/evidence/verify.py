"""Checking a proof, a report or a whole exported log offline: the file and public keys, nothing else.

What is found is a list of sentences, each true or not. Every one must be true for the file to be good.
"""

from __future__ import annotations

import json
from pathlib import Path

from xinqiao.evidence.bundle import Bundle, extract
from xinqiao.evidence.export import verify_export
from xinqiao.evidence.log import SALT_BYTES, commitment
from xinqiao.evidence.merkle import leaf_hash, root_of_inclusion
from xinqiao.evidence.note import Checkpoint, decode
from xinqiao.evidence.trust import Finding, Trust, bad, good, text_of
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import user_error
from xinqiao.kernel.suite import SUITES, CryptoSuite

LINE_FIELDS = {"at", "commitment", "id", "kind", "suite"}
CHANGED = bad("文件内容与记录不一致：被改动过", "the document is not what was recorded: it was changed")


def verify(path: Path, trust: Trust, since: Path | None = None) -> list[Finding]:
    """Everything there is to say about a file; an exported log must also extend the checkpoint ``since``.

    Raises UserError EVD-BUNDLE where the file is none of the three kinds.
    """
    try:
        if path.suffix == ".jsonl":
            with path.open("rb") as file:
                return verify_export(file, trust, None if since is None else text_of(since), str(path))
        data = path.read_bytes()
    except OSError as error:
        raise user_error("EVD-BUNDLE", str(path), detail=error.strerror or str(error)) from error
    if path.suffix in (".html", ".htm"):
        page, bundle = extract(data, str(path))
        return verify_bundle(bundle, trust, page)
    return verify_bundle(Bundle.read(data, str(path)), trust)


def verify_bundle(bundle: Bundle, trust: Trust, page: bytes | None = None) -> list[Finding]:
    """What a bundle shows; ``page``: the report it stood in."""
    try:
        line = _line(bundle.line)
    except ValueError:
        return [bad("日志行的格式不对", "the line of the log is not well formed")]
    attached = None if bundle.attached is None else bundle.attached.encode()
    data = attached if page is None else page
    note, checkpoint, signed = trust.signed(bundle.checkpoint)
    return [
        _unchanged(bundle, line),
        *([] if data is None else [_file(bundle, data)]),
        _inside(bundle, checkpoint, trust.log.suite),
        signed,
        *([] if note is None else trust.witnessed(note)),
    ]


def _line(text: str) -> dict[str, str]:
    """The fields of a public line. Raises ValueError unless it is just as the log writes it."""
    told = json.loads(text)
    fit = isinstance(told, dict) and set(told) == LINE_FIELDS and canonical_json(told).decode() == text
    if not fit or not all(isinstance(value, str) for value in told.values()):
        raise ValueError(text)
    return dict(told)


def _unchanged(bundle: Bundle, line: dict[str, str]) -> Finding:
    suite = SUITES.get(line["suite"])
    salt, document = decode(bundle.salt), bundle.document.encode()
    if suite is None or salt is None or len(salt) != SALT_BYTES:
        return CHANGED
    if commitment(suite, salt, line["kind"], document) != line["commitment"]:
        return CHANGED
    at, kind = line["at"], line["kind"]
    return good(
        f"文件内容与 {at} 记录的 {kind} 一致，未被改动",
        f"the document is as it was recorded at {at} ({kind}), unchanged",
    )


def _file(bundle: Bundle, data: bytes) -> Finding:
    """About the report or attached text, whose digest is one of the document's values."""
    try:
        told = json.loads(bundle.document)
    except ValueError:
        told = None
    if isinstance(told, dict) and digest(data) in told.values():
        return good("所附原文未被改动", "the text it is about is unchanged")
    return bad("所附原文被改动过", "the text it is about was changed")


def _inside(bundle: Bundle, checkpoint: Checkpoint | None, suite: CryptoSuite) -> Finding:
    leaf = leaf_hash(suite, bundle.line.encode())
    proof = [decode(part) or b"" for part in bundle.proof]
    index, size = bundle.index, 0 if checkpoint is None else checkpoint.size
    root = root_of_inclusion(suite, leaf, index, size, proof)
    if checkpoint is None or root != checkpoint.root:
        return bad(f"不在日志第 {index} 行", f"not in the log at index {index}")
    return good(
        f"在日志第 {index} 行（共 {size} 行，从 0 起）", f"in the log at index {index} of {size} lines"
    )
