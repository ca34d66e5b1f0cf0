"""A witness: signs a log's checkpoints only while the log grows and nothing it held is changed.

It remembers the largest checkpoint it signed. A shorter one, another root at the same length, or a longer
one that is not proved to begin with the remembered is refused and kept as evidence against the log: its
own signature is on both. What it remembers reaches the disk before a signature leaves.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xinqiao.evidence.merkle import is_consistent
from xinqiao.evidence.note import Checkpoint, Note, PublicKey, SigningKey
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.writing import write_whole

Prove = Callable[[int, int], list[bytes]]
"""Asks the log for the proof that its second size begins with its first."""
SEEN, LOG_KEY, LOCK, REFUSED = "checkpoint", "log.key", "lock", "refused"


@dataclass(frozen=True, slots=True)
class Witness:
    """The witness whose state is in ``folder``, of one log."""

    folder: Path
    key: SigningKey
    log: PublicKey

    @classmethod
    def opened(cls, folder: Path, key: SigningKey, log: PublicKey) -> Witness:
        """The witness of ``folder``; the log's key is kept there at first and must stay.

        Raises UserError EVD-PINNED where it is another.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / LOG_KEY
        if not path.exists():
            write_whole(path, f"{log}\n".encode())
        pinned = PublicKey.read(path.read_text("utf-8"), str(path))
        if pinned != log:
            fail("EVD-PINNED", str(path), pinned=str(pinned), told=str(log))
        return cls(folder, key, pinned)

    def cosign(self, written: str, prove: Prove) -> str:
        """The cosignature line for the checkpoint ``written``, once it is shown to extend what was seen.

        Raises UserError EVD-FORK (refused), EVD-SIGNATURE, EVD-NOTE.
        """
        note = Note.read(written)
        told = Checkpoint.read(note.text)
        if note.signed_by(self.log) is None or told.origin != self.log.name:
            fail("EVD-SIGNATURE", told.origin)
        with self._locked():
            seen = self.seen()
            if seen is not None:
                self._check(seen, note, told, prove)
            _write_durably(self.folder / SEEN, str(note))
        return self.key.sign(note.text, now())

    def seen(self) -> Note | None:
        """The checkpoint signed last."""
        path = self.folder / SEEN
        return Note.read(path.read_text("utf-8"), str(path)) if path.exists() else None

    def _check(self, seen: Note, note: Note, told: Checkpoint, prove: Prove) -> None:
        was = Checkpoint.read(seen.text)
        if told.size < was.size:
            self._refuse(seen, note, f"{was.size} -> {told.size}")
        proof = [] if was.size in (0, told.size) else prove(was.size, told.size)
        if not is_consistent(self.log.suite, (was.size, was.root), (told.size, told.root), proof):
            self._refuse(seen, note, f"{was.size} -> {told.size}")

    def _refuse(self, seen: Note, note: Note, sizes: str) -> None:
        folder = self.folder / REFUSED
        folder.mkdir(exist_ok=True)
        path = folder / f"{now():%Y%m%dT%H%M%SZ}-{Checkpoint.read(note.text).size}.txt"
        write_whole(path, f"{seen}\n---\n\n{note}".encode())
        fail("EVD-FORK", self.log.name, sizes=sizes, kept=str(path))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time: two could each sign a fork."""
        with (self.folder / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _write_durably(path: Path, text: str) -> None:
    """Write ``path`` at once, and have it on the disk before going on."""
    partial = path.with_suffix(".tmp")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
