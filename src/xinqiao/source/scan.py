"""First look at a file: is it one, what is it, and may it be read at all.

A text file is scanned once in full before a row of it is used: gzip checksum, size and expansion,
line length, NUL bytes, encoding, and the SHA-256 of its decompressed content. So a file that is
refused is refused before anything is written.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.source.block import Limits, Tick

FileKind = Literal["text", "gzip", "zip", "parquet"]

UTF8_BOM = b"\xef\xbb\xbf"
_READ_BYTES = 1 << 20
_INFLATE_BYTES = 4 << 20
_MAGIC: tuple[tuple[bytes, FileKind], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PAR1", "parquet"),
)
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file: what it is, what it is called in errors, its limits and who follows its progress."""

    handle: BinaryIO
    kind: FileKind
    where: str
    limits: Limits
    tick: Tick


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading; raises UserError SRC-NOT-A-FILE for all else (links too)."""
    if path.is_symlink():
        fail("SRC-NOT-A-FILE", path.name, found="symlink")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        fail("SRC-NOT-A-FILE", path.name, found=error.strerror or "?")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        fail("SRC-NOT-A-FILE", path.name, found="folder or device")
    return os.fdopen(handle, "rb")


def file_kind(handle: BinaryIO, where: str) -> FileKind:
    """What the first bytes say; raises UserError SRC-EMPTY, SRC-FORMAT, SRC-ENCODING (UTF-16)."""
    handle.seek(0)
    head = handle.read(4)
    handle.seek(0)
    if not head:
        fail("SRC-EMPTY", where)
    if head == _OLD_EXCEL:
        fail("SRC-FORMAT", where, found="XLS (Excel 97-2003)")
    if head[:2] in _UTF16:
        fail("SRC-ENCODING", f"{where}:1", tried="utf-8, gb18030; UTF-16")
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "text")


def chunks(file: Opened) -> Iterator[bytes]:
    """The decompressed bytes from the start.

    Raises UserError SRC-GZIP (damaged or cut off), SRC-BOMB, SRC-TOO-LARGE.
    """
    handle, limits, where = file.handle, file.limits, file.where
    handle.seek(0)
    packed = total = 0
    for piece, used in _inflate(handle, where) if file.kind == "gzip" else _plain(handle):
        packed, total = packed + used, total + len(piece)
        if total > limits.file_bytes:
            fail("SRC-TOO-LARGE", where, limit=f"{limits.file_bytes:,}")
        if total > limits.ratio_from_bytes and total > limits.ratio * max(packed, 1):
            fail("SRC-BOMB", where, ratio=limits.ratio)
        file.tick(used)
        yield piece


def _plain(handle: BinaryIO) -> Iterator[tuple[bytes, int]]:
    while piece := handle.read(_READ_BYTES):
        yield piece, len(piece)


def _inflate(handle: BinaryIO, where: str) -> Iterator[tuple[bytes, int]]:
    inflater = zlib.decompressobj(wbits=31)
    try:
        while packed := handle.read(_READ_BYTES):
            used = len(packed)
            while packed:
                if inflater.eof:
                    packed = packed.lstrip(b"\0")  # padding after a member
                    if not packed:
                        break
                    inflater = zlib.decompressobj(wbits=31)
                piece = inflater.decompress(packed, _INFLATE_BYTES)
                packed = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
                yield piece, used
                used = 0
        while not inflater.eof and (piece := inflater.decompress(b"", _INFLATE_BYTES)):
            yield piece, 0
    except zlib.error as error:
        fail("SRC-GZIP", where, detail=str(error))
    if not inflater.eof:
        fail("SRC-GZIP", where, detail="cut off / 文件被截断")


def blocks(file: Opened) -> Iterator[bytes]:
    """The decompressed bytes in blocks of whole lines of about ``limits.block_bytes`` bytes.

    Raises UserError SRC-LINE with the number of a line longer than ``limits.line_bytes``.
    """
    size, limit = file.limits.block_bytes, file.limits.line_bytes
    held: list[bytes] = []
    held_bytes = start = 0
    for piece in chunks(file):
        if held_bytes and held_bytes + len(piece) > size:
            block = b"".join(held)
            _check_lines(file, block, start, limit)
            cut = block.rfind(b"\n") + 1
            yield from _parts(block[:cut], size)
            start += cut
            held, held_bytes = [block[cut:]], len(block) - cut
        held.append(piece)
        held_bytes += len(piece)
    if block := b"".join(held):
        _check_lines(file, block, start, limit)
        yield from _parts(block, size)


def count_lines(block: bytes) -> int:
    """Line ends in ``block``; several times as fast as ``bytes.count`` where they are many."""
    return int(np.count_nonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n")))


def has_lone_return(block: bytes) -> bool:
    """Whether a carriage return stands without a line feed behind it."""
    if b"\r" not in block:
        return False
    codes = np.frombuffer(block, dtype=np.uint8)
    returns = codes == ord("\r")
    return bool(returns[-1]) or bool((returns[:-1] & (codes[1:] != ord("\n"))).any())


def _parts(block: bytes, size: int) -> Iterator[bytes]:
    """Cut a run of whole lines into blocks of at most ``size`` bytes, or one line if that is longer."""
    start = 0
    if not block:
        return
    while len(block) - start > size:
        cut = block.rfind(b"\n", start, start + size) + 1 or block.find(b"\n", start) + 1
        if not cut or cut == len(block):
            break
        yield block[start:cut]
        start = cut
    yield block[start:]


def _check_lines(file: Opened, block: bytes, offset: int, limit: int) -> None:
    """Each window of ``limit`` bytes must hold a line end: one backward search a window."""
    start = 0
    while len(block) - start > limit:
        end = block.rfind(b"\n", start, start + limit + 1)
        if end < 0:
            fail("SRC-LINE", f"{file.where}:{_line_at(file, offset + start)}", limit=f"{limit:,}")
        start = end + 1


def _line_at(file: Opened, offset: int) -> int:
    """The line of a decompressed byte: only a file that is refused is counted for it, from its start."""
    line = 1
    for piece in chunks(file):
        line += piece.count(b"\n", 0, max(offset, 0))
        offset -= len(piece)
        if offset <= 0:
            break
    return line


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the scan of a text file found; ``encoding`` is utf-8 or gb18030, ``clean`` if all is UTF-8."""

    sha256: str
    encoding: str
    clean: bool = False


def scan(file: Opened) -> Scanned:
    """Read the whole file once; raises what ``chunks`` and ``blocks`` do, and SRC-NUL."""
    sha, total = hashlib.sha256(), 0
    encoding: str | None = None
    for block in blocks(file):
        sha.update(block)
        if (nul := block.find(b"\0")) >= 0:
            fail("SRC-NUL", f"{file.where}:{_line_at(file, total + nul)}")
        total += len(block)
        if encoding is None and not (block.isascii() or _is_utf8(block)):
            encoding = guess_encoding(block)
    if not total:
        fail("SRC-EMPTY", file.where)
    return Scanned(sha.hexdigest(), encoding or "utf-8", clean=encoding is None)


def _is_utf8(block: bytes) -> bool:
    """Whether Arrow's validator says so: it makes no text of it, as ``decode`` would."""
    ends = pa.array([0, len(block)], pa.int32()).buffers()[1]
    try:
        pa.Array.from_buffers(pa.binary(), 1, [None, ends, pa.py_buffer(block)]).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def guess_encoding(block: bytes) -> str:
    """The encoding of a block that is not all UTF-8: a few broken lines, or another encoding?

    Half of its non-ASCII lines decide. (Asking whether it decodes as GB18030 would not: much Chinese
    text in UTF-8 does, into other characters.)
    """
    told = [line for line in block.split(b"\n") if not line.isascii()]
    broken = sum(not _is_utf8(line) for line in told)
    return "gb18030" if broken * 2 > len(told) else "utf-8"
