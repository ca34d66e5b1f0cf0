"""A small log in memory, honest or forked, with a real key."""

from __future__ import annotations

from xinqiao.evidence.merkle import complete, consistency, grown, hash_of, inclusion, leaf_hash
from xinqiao.evidence.note import Checkpoint, SigningKey
from xinqiao.kernel.suite import CryptoSuite


class SmallLog:
    """Forty lines under one key."""

    def __init__(
        self, suite: CryptoSuite, key: SigningKey | None = None, lines: list[str] | None = None
    ) -> None:
        self.suite = suite
        self.key = key or SigningKey.generate("log.example/1", "log", suite)
        self.lines = [f"line {n}" for n in range(40)] if lines is None else lines
        hashes = [leaf_hash(suite, line.encode()) for line in self.lines]
        self.nodes = {(n.level, n.place): n.hash for n in grown(suite, 0, [], hashes)}

    def _hash(self, leaves: tuple[int, int]) -> bytes:
        assert complete(leaves) or leaves == (0, 0)
        return hash_of(self.suite, leaves, lambda *place: self.nodes[place])

    def checkpoint(self, size: int) -> str:
        text = str(Checkpoint(self.key.public.name, size, self._hash((0, size))))
        return f"{text}\n{self.key.sign(text)}"

    def prove(self, old: int, new: int) -> list[bytes]:
        return [self._hash(leaves) for leaves in consistency(old, new)]

    def place(self, index: int, size: int) -> list[bytes]:
        return [self._hash(leaves) for leaves in inclusion(index, size)]

    def forked(self, at: int) -> SmallLog:
        """The same log with one line another, signed by the same key."""
        lines = [*self.lines]
        lines[at] = "forged"
        return SmallLog(self.suite, self.key, lines)
