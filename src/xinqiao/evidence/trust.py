"""Whose signatures count when something is verified: a file of public keys, and what is found with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from xinqiao.evidence.note import Checkpoint, Note, PublicKey
from xinqiao.kernel.clock import CHINA
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.kernel.text import Text

AUTHORITY = "authority"
"""First word of a line with the certificate that contracts are verified with."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about a file, and whether it holds."""

    holds: bool
    text: Text


def good(zh: str, en: str) -> Finding:
    """A sentence that holds."""
    return Finding(holds=True, text=Text(zh=zh, en=en))


def bad(zh: str, en: str) -> Finding:
    """A sentence that says what is wrong."""
    return Finding(holds=False, text=Text(zh=zh, en=en))


@dataclass(frozen=True, slots=True)
class Trust:
    """The log's key, the witnesses' keys, and how many witnesses it takes."""

    log: PublicKey
    witnesses: tuple[PublicKey, ...] = ()
    needed: int = 0

    @classmethod
    def read(cls, path: Path) -> Trust:
        """The file of keys: lines ``log KEY``, ``witness KEY``, ``needed N``; # begins a remark.

        Lines ``authority CERTIFICATE`` are for signed contracts; the log doesn't need them.
        Raises UserError EVD-TRUST, EVD-KEY.
        """
        keys: list[PublicKey] = []
        needed = 0
        for number, line in enumerate(text_of(path).splitlines(), 1):
            word, _, rest = line.partition("#")[0].strip().partition(" ")
            where = f"{path}:{number}"
            if word in ("log", "witness"):
                keys.append(_key(word, rest, where))
            elif word == "needed" and rest.strip().isdecimal():
                needed = int(rest)
            elif word and word != AUTHORITY:
                fail("EVD-TRUST", where, detail=line[:80])
        logs = [key for key in keys if key.use == "log"]
        witnesses = tuple(key for key in keys if key.use == "witness")
        if len(logs) != 1 or len({key.public for key in witnesses}) != len(witnesses):
            fail("EVD-TRUST", str(path), detail=f"log: {len(logs)}, witness: {len(witnesses)}")
        return cls(logs[0], witnesses, needed)

    def write(self) -> str:
        """The file that ``read`` reads."""
        lines = [f"log {self.log}", *(f"witness {key}" for key in self.witnesses), f"needed {self.needed}"]
        return "".join(f"{line}\n" for line in lines)

    def signed(self, text: str) -> tuple[Note | None, Checkpoint | None, Finding]:
        """The checkpoint that ``text`` is, if the log signed it."""
        name = self.log.name
        try:
            note = Note.read(text)
            checkpoint = Checkpoint.read(note.text)
            holds = note.signed_by(self.log) is not None and checkpoint.origin == name
        except UserError:
            holds = False
        if not holds:
            wrong = f"检查点不是日志 {name} 签名的", f"the checkpoint is not signed by the log {name}"
            return None, None, bad(*wrong)
        return (
            note,
            checkpoint,
            good(f"检查点由日志 {name} 签名", f"the checkpoint is signed by the log {name}"),
        )

    def witnessed(self, note: Note) -> list[Finding]:
        """Who cosigned, and whether that is enough."""
        found = [told for key in self.witnesses for told in _cosigned(note, key)]
        count = sum(told.holds for told in found)
        total = f"{count}/{len(self.witnesses)}"
        zh = f"共 {total} 个见证方共同签名（要求至少 {self.needed} 个）"
        en = f"{total} witnesses cosigned (at least {self.needed} asked for)"
        return [*found, Finding(holds=count >= self.needed, text=Text(zh=zh, en=en))]


def _key(word: str, text: str, where: str) -> PublicKey:
    key = PublicKey.read(text, where)
    if key.use != word:
        fail("EVD-TRUST", where, detail=f"{word}: {key.use}")
    return key


def _cosigned(note: Note, key: PublicKey) -> list[Finding]:
    try:
        at = note.signed_by(key)
    except UserError:
        return [bad(f"见证方 {key.name} 的签名不对", f"the cosignature of {key.name} is wrong")]
    if at is None:
        return []
    told = _when(at)
    zh, en = (
        f"见证方 {key.name} 于 {told} 共同签名",
        f"cosigned by the witness {key.name} at {told} China time",
    )
    return [good(zh, en)]


def _when(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def text_of(path: Path) -> str:
    """The text of a file of keys or a checkpoint. Raises UserError EVD-TRUST."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise user_error("EVD-TRUST", str(path), detail=str(error)) from error
