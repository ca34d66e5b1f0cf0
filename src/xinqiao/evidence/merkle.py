"""The Merkle tree of RFC 6962: one hash for all lines of a log, and short proofs about it.

A tree of n leaves is told by the hashes of its complete subtrees, ``(level, place)``, which never change as
the log grows; every proof is a list of ranges of leaves, and every range a few complete subtrees. So proofs
cost O(log n) however long the log is. The hash is that of a crypto suite (RFC 6962 itself: SHA-256).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from xinqiao.kernel.suite import CryptoSuite

Range = tuple[int, int]
"""Leaves from the first to before the second."""
Place = tuple[int, int]
"""Level and place of a complete subtree: the leaves place * 2^level to (place + 1) * 2^level - 1."""


@dataclass(frozen=True, slots=True)
class Node:
    """The hash of a complete subtree."""

    level: int
    place: int
    hash: bytes


def leaf_hash(suite: CryptoSuite, data: bytes) -> bytes:
    """The hash of a leaf; its first byte keeps leaves and nodes apart."""
    return suite.hash(b"\x00" + data)


def node_hash(suite: CryptoSuite, left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return suite.hash(b"\x01" + left + right)


def complete(leaves: Range) -> list[Place]:
    """The complete subtrees that ``leaves`` consist of, from left to right."""
    start, end = leaves
    places = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        places.append((level, start >> level))
        start += 1 << level
    return places


def hash_of(suite: CryptoSuite, leaves: Range, node: Callable[[int, int], bytes]) -> bytes:
    """The hash of ``leaves`` from those of its complete subtrees; of no leaves: the hash of nothing."""
    hashes = [node(level, place) for level, place in complete(leaves)]
    if not hashes:
        return suite.hash(b"")
    told = hashes.pop()
    while hashes:
        told = node_hash(suite, hashes.pop(), told)
    return told


def grown(suite: CryptoSuite, size: int, edge: Sequence[bytes], leaves: Iterable[bytes]) -> Iterator[Node]:
    """The complete subtrees that ``leaves`` (their hashes) add to a tree of ``size`` leaves.

    ``edge``: the hashes of ``complete((0, size))``.
    """
    open_: list[tuple[int, bytes]] = [
        (level, told) for (level, _), told in zip(complete((0, size)), edge, strict=True)
    ]
    for place, leaf in enumerate(leaves, size):
        level, told = 0, leaf
        yield Node(0, place, told)
        while open_ and open_[-1][0] == level:
            told = node_hash(suite, open_.pop()[1], told)
            level += 1
            yield Node(level, place >> level, told)
        open_.append((level, told))


class Growing:
    """A tree that leaves are added to one by one; keeps O(log n) hashes."""

    def __init__(self, suite: CryptoSuite) -> None:
        self.size = 0
        self._suite = suite
        self._open: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """Add a leaf's hash."""
        level, told = 0, leaf
        while self._open and self._open[-1][0] == level:
            told = node_hash(self._suite, self._open.pop()[1], told)
            level += 1
        self._open.append((level, told))
        self.size += 1

    def root(self) -> bytes:
        """The root over the leaves so far."""
        if not self._open:
            return self._suite.hash(b"")
        *rest, (_, told) = self._open
        for _, left in reversed(rest):
            told = node_hash(self._suite, left, told)
        return told


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << (count - 1).bit_length() - 1


def inclusion(index: int, size: int) -> list[Range]:
    """The ranges whose hashes show that leaf ``index`` is in a tree of ``size`` leaves."""
    if not 0 <= index < size:
        message = f"no leaf {index} in {size}"
        raise ValueError(message)
    start, end = 0, size
    ranges = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency(old: int, new: int) -> list[Range]:
    """The ranges whose hashes show that a tree of ``new`` leaves begins with the tree of ``old`` leaves."""
    if not 0 <= old <= new:
        message = f"no proof from {old} to {new}"
        raise ValueError(message)
    if old in (0, new):
        return []
    start, end, whole = 0, new, True
    ranges = []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    if not whole:
        ranges.append((start, end))
    return ranges[::-1]


def root_of_inclusion(
    suite: CryptoSuite, leaf: bytes, index: int, size: int, proof: Sequence[bytes]
) -> bytes | None:
    """The root of a tree of ``size`` leaves that ``proof`` gives ``leaf`` at ``index``; None: no proof."""
    if not 0 <= index < size:
        return None
    place, last, told = index, size - 1, leaf
    for part in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            told = node_hash(suite, part, told)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            told = node_hash(suite, told, part)
        place, last = place >> 1, last >> 1
    return told if last == 0 else None


def is_consistent(
    suite: CryptoSuite, old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]
) -> bool:
    """Whether ``proof`` shows that the tree ``new`` (size, root) begins with the tree ``old``."""
    (old_size, old_root), (new_size, new_root) = old, new
    if not 0 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return old_root == new_root and not proof
    if old_size == 0:
        return old_root == suite.hash(b"") and not proof
    parts = list(proof)
    if old_size & old_size - 1 == 0:  # the old tree is a complete subtree: its root is not sent
        parts.insert(0, old_root)
    roots = _roots(suite, old_size, new_size, parts)
    return roots == (old_root, new_root)


def _roots(
    suite: CryptoSuite, old_size: int, new_size: int, parts: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """The roots of both trees as a proof of consistency gives them."""
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if not parts:
        return None
    old = new = parts[0]
    for part in parts[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = node_hash(suite, part, old), node_hash(suite, part, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(suite, new, part)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else None
