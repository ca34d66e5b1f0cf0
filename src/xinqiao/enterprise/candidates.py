"""Which pairs are worth comparing: those that share the rarest keys (blocking).

Keys are parts of names, codes and addresses, and hashes. A key weighs its rarity in the register; keys that
more than ``MOST_SHARED`` entries share tell too little and are dropped. The sums of shared weights are one
sparse product, taken a few records at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.sparse as sp

from xinqiao.enterprise.party import Ints, Party, Read

MOST_SHARED = 400
MOST_PER_RECORD = 12
AT_ONCE = 1_000

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


def candidate_pairs(
    register: Sequence[Read],
    records: Sequence[Read],
    parties: tuple[Sequence[Party], Sequence[Party]],
    tick: Tick,
) -> tuple[Ints, Ints]:
    """Places in ``records`` and in ``register`` of the pairs to compare; records in order.

    ``parties``: those of the register and of the records. ``tick``: called with records worked off.
    """
    of_register = [list(dict.fromkeys(_keys(read, parties[0][read.party]))) for read in register]
    counts = Counter(key for keys in of_register for key in keys)
    ids = {key: place for place, key in enumerate(k for k, n in counts.items() if n <= MOST_SHARED)}
    weights = np.log2(max(len(register), 2) / np.array([counts[key] for key in ids])) + 1.0
    known = _matrix(of_register, ids)
    known = (known @ sp.diags(weights)).T.tocsr() if ids else known.T.tocsr()
    left: list[Ints] = []
    right: list[Ints] = []
    for start in range(0, len(records), AT_ONCE):
        part = records[start : start + AT_ONCE]
        keys = [list(dict.fromkeys(_keys(read, parties[1][read.party]))) for read in part]
        shared = (_matrix(keys, ids) @ known).tocsr()
        for row in range(len(part)):
            found = shared.indices[shared.indptr[row] : shared.indptr[row + 1]]
            best = _best(found, shared.data[shared.indptr[row] : shared.indptr[row + 1]])
            left.append(np.full(len(best), start + row, dtype=np.int64))
            right.append(best)
        tick(len(part))
    empty = np.empty(0, dtype=np.int64)
    return np.concatenate([empty, *left]), np.concatenate([empty, *right])


def _best(found: Ints, weight: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Ints:
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
