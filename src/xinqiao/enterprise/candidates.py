"""Which pairs are worth comparing: those that share the rarest keys (blocking).

Keys are parts of names, codes and addresses, and hashes. A key weighs its rarity in the register; keys that
more than ``MOST_SHARED`` entries share tell too little and are dropped. The sums of shared weights are one
sparse product, taken a few records at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from xinqiao.enterprise.party import Ints, Party, Read

MOST_SHARED = 400
MOST_PER_RECORD = 12
AT_ONCE = 1_000
WEIGHT_STEPS = 1_024

Tick = Callable[[int], None]


def _keys(read: Read, party: Party) -> Iterator[str]:
    """What another record of the same firm is likely to share, at least in part."""
    name, code = read.name, read.code
    core, areas = name.core, {place[:4] for place in read.places}
    yield f"n{name.plain}"
    yield f"c{core}"
    yield from (f"c{core}@{area}" for area in areas)
    yield from (f"b{core[at : at + 2]}" for at in range(len(core) - 1))
    for char in dict.fromkeys(name.trade):
        yield f"t{char}{name.business}"
        yield from (f"t{char}{name.business[:2]}@{area}" for area in areas)
    yield from (f"w{name.trade}@{area}" for area in areas)
    yield f"w{name.trade}"
    if len(code) > 12:  # noqa: PLR2004 - a code in three parts of which a wrong character spoils one
        yield from (f"1{code[:6]}{code[12:]}", f"2{code[6:]}", f"3{code[:12]}")
    if read.organisation:
        yield f"o{read.organisation}"
    if read.address.spot:
        yield from (f"a{read.address.spot}@{area}" for area in areas or {""})
        yield f"r{read.address.spot}{read.address.room}"
    yield from (f"{kind}{value}" for kind, value in _hashes(party) if value)


def _hashes(party: Party) -> tuple[tuple[str, str], ...]:
    return ("p", party.phone_hash), ("l", party.representative_hash)


class Blocks:
    """The keys of a register's entries; ``parties`` as ``reads`` were made from."""

    def __init__(self, reads: Sequence[Read], parties: Sequence[Party]) -> None:
        keys = [_distinct(read, parties) for read in reads]
        counts = Counter(key for each in keys for key in each)
        kept = [key for key, count in counts.items() if count <= MOST_SHARED]
        self._ids = {key: place for place, key in enumerate(kept)}
        weights = np.log2(max(len(reads), 2) / np.array([counts[key] for key in kept] or [1])) + 1.0
        whole = np.round(weights * WEIGHT_STEPS)  # sums of whole numbers don't depend on their order
        self._known = (_matrix(keys, self._ids) @ sp.diags(whole)).T.tocsr()

    def pairs(self, reads: Sequence[Read], parties: Sequence[Party], tick: Tick) -> tuple[Ints, Ints]:
        """Places in ``reads`` and in the register of the pairs to compare, by ``reads``.

        ``tick`` is called with the number of reads worked off.
        """
        left: list[Ints] = [np.empty(0, dtype=np.int64)]
        right = list(left)
        for start in range(0, len(reads), AT_ONCE):
            part = reads[start : start + AT_ONCE]
            shared = (_matrix([_distinct(read, parties) for read in part], self._ids) @ self._known).tocsr()
            for row in range(len(part)):
                own = slice(shared.indptr[row], shared.indptr[row + 1])
                best = _best(shared.indices[own], shared.data[own])
                left.append(np.full(len(best), start + row, dtype=np.int64))
                right.append(best)
            tick(len(part))
        return np.concatenate(left), np.concatenate(right)


def _distinct(read: Read, parties: Sequence[Party]) -> list[str]:
    return list(dict.fromkeys(_keys(read, parties[read.party])))


def _best(found: Ints, weight: npt.NDArray[np.float64]) -> Ints:
    """The heaviest few, ties by place, so that the same input gives the same pairs."""
    if len(found) > MOST_PER_RECORD:
        least = np.partition(weight, -MOST_PER_RECORD)[-MOST_PER_RECORD]
        kept = weight >= least
        found, weight = found[kept], weight[kept]
    order = np.lexsort((found, -weight))[:MOST_PER_RECORD]
    return np.sort(found[order]).astype(np.int64)


def _matrix(keys: Sequence[Sequence[str]], ids: dict[str, int]) -> sp.csr_matrix:
    columns = [[ids[key] for key in each if key in ids] for each in keys]
    ends = np.cumsum([0, *(len(each) for each in columns)])
    flat = np.array([column for each in columns for column in each], dtype=np.int64)
    return sp.csr_matrix((np.ones(len(flat)), flat, ends), shape=(len(keys), max(len(ids), 1)))
