"""Rows of the same subjects in the same order at all holders, before they compute on them together."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.kernel.errors import fail
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.protocol.group_intersection import Sets, common


def aligned(job: Job, link: Link, holders: Sequence[str]) -> pa.Table:
    """This party's rows of the ids that all ``holders`` have, in the same order at all of them.

    Key first, then columns, as in ``job.table``. Only holders call it. Every holder learns the common ids,
    and of the others' tables nothing but the number of rows (``protocol.group_intersection``). Raises
    UserError PRV-SET-KEYS where the own key is null or repeats, PRV-SET-SIZE where a party's rows are out
    of bounds.
    """
    table = rows_of(job)
    keys = table.column(0)
    nulls, repeated = keys.null_count, len(keys) - keys.null_count - pc.count_distinct(keys).as_py()
    if nulls or repeated:
        fail("PRV-SET-KEYS", link.me, nulls=nulls, repeated=repeated)
    found = common(sets_of(job, link, holders, holders), encoded(keys))
    return table.take(pa.array(found, pa.int64()))


def rows_of(job: Job) -> pa.Table:
    """The job's table. Raises UserError PRV-MANIFEST for a party that brings none."""
    if job.table is None:
        return fail("PRV-MANIFEST", str(job.manifest.job), detail=f"{job.me.name}: input")
    return job.table


def sets_of(job: Job, link: Link, holders: Sequence[str], receivers: Sequence[str]) -> Sets:
    """What an intersection among ``holders`` needs to know, from the manifest."""
    bounds = {
        party.name: (party.input.rows_at_least, party.input.rows_at_most)
        for party in job.manifest.parties
        if party.input is not None
    }
    context = job.manifest.digest.encode()
    return Sets(link, tuple(holders), tuple(receivers), context, bounds, job.progress)


def encoded(keys: pa.ChunkedArray) -> list[bytes]:
    """Ids as the bytes that are hashed, alike at all parties: UTF-8 of the text of each value."""
    return [str(key).encode() for key in keys.cast(pa.string()).to_pylist()]
