"""Rows of the same subjects in the same order at all holders, before they compute on them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.protocol.group_intersection import Sets, common

ALIGNED = Text(
    zh="各方共有的主体有哪些，以及其他各方的行数",
    en="which subjects all these parties have in common, and the numbers of rows of the others",
)
"""What each holder learns."""


def check_keys(manifest: Manifest, holders: Sequence[str]) -> None:
    """That ``holders`` match rows by keys of one kind. Raises UserError PRV-MANIFEST."""
    inputs = {name: manifest.party(name).input for name in holders}
    kinds = {name: given.key_kind if given and given.key else None for name, given in inputs.items()}
    if None in kinds.values() or len(set(kinds.values())) != 1:
        told = ", ".join(f"{name}: {kind or '-'}" for name, kind in kinds.items())
        fail("PRV-MANIFEST", str(manifest.job), detail=f"keys of one kind: {told}")


def aligned(job: Job, link: Link, holders: Sequence[str]) -> pa.Table:
    """This party's rows of the ids that all ``holders`` have, in the same order at all of them.

    Key first, then columns, as in ``job.table``. Only holders call it. Every holder learns the common ids,
    and of the others' tables nothing but the number of rows (``protocol.group_intersection``). Raises
    UserError PRV-SET-KEYS where the own key is null or repeats, PRV-SET-SIZE where a party's rows are out
    of bounds.
    """
    table = job.rows
    keys = table.column(0)
    nulls, repeated = keys.null_count, len(keys) - keys.null_count - pc.count_distinct(keys).as_py()
    if nulls or repeated:
        fail("PRV-SET-KEYS", link.me, nulls=nulls, repeated=repeated)
    found = common(sets_of(job, link, holders, holders), encoded(keys))
    return table.take(pa.array(found, pa.int64()))


def sets_of(job: Job, link: Link, holders: Sequence[str], receivers: Sequence[str]) -> Sets:
    """What an intersection among ``holders`` needs to know, from the manifest."""
    bounds = {
        party.name: (party.input.rows_at_least, party.input.rows_at_most)
        for party in job.manifest.parties
        if party.input is not None
    }
    context = job.manifest.digest.encode()
    return Sets(link, tuple(holders), tuple(receivers), context, bounds, job.progress)


def joined(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Each table's rows of the keys that all have, in the keys' order: ``aligned`` in plain."""
    places = {name: {key: row for row, key in enumerate(keys_of(table))} for name, table in tables.items()}
    common = sorted(set.intersection(*(set(place) for place in places.values())))
    return {
        name: table.take(pa.array([places[name][key] for key in common], pa.int64()))
        for name, table in tables.items()
    }


def keys_of(table: pa.Table) -> list[str]:
    """The keys as text, alike at all parties; ``source_data`` leaves out rows without one."""
    return [str(key) for key in table.column(0).cast(pa.string()).to_pylist()]


def encoded(keys: pa.ChunkedArray) -> list[bytes]:
    """Ids as the bytes that are hashed, alike at all parties: UTF-8 of the text of each value."""
    return [str(key).encode() for key in keys.cast(pa.string()).to_pylist()]
