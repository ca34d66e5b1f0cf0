"""Kind ``intersection``: which subjects two or more holders have in common, or how many.

Parameters: ``result_to`` names the holders that receive the result, or ``"all"`` (the default); ``count``
true gives them only the number; ``protocol`` is ``dh`` (our own on ristretto255, the default; the only one
that counts), or one of the engine's: ``rr22`` for two holders, ``kkrt`` for three and more, ``unbalanced``
for a small set against a large one: ``server`` names its holder, and its pseudonyms are kept for later jobs.

Nulls of the key never match; several rows of one id all belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment import engine_intersection
from xinqiao.privacy.alignment.alignment import check_keys, encoded, sets_of
from xinqiao.privacy.alignment.key_order import Positions, arrow, key_order
from xinqiao.privacy.job.kind import SEMI_HONEST, Job, Kind, Protocol, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import PARTIES_AT_MOST, Manifest
from xinqiao.privacy.protocol.group_intersection import common, count
from xinqiao.privacy.spu.engine import VERSION

HOLDER = "holder"
PARAMS = frozenset({"result_to", "count", "protocol", "server"})
PROTOCOLS = ("dh", *engine_intersection.PROTOCOLS)
UNBALANCED = 100
"""From this ratio of sizes on, ``choose`` prefers the unbalanced protocol."""
_TWO = 2


def choose(rows: Sequence[int], *, engine: bool) -> str:
    """The fastest protocol for holders of so many rows, where all of them have the engine or not."""
    if not engine:
        return "dh"
    if len(rows) > _TWO:
        return "kkrt"
    return "unbalanced" if max(rows) >= UNBALANCED * max(min(rows), 1) else "rr22"


def receivers(manifest: Manifest) -> tuple[str, ...]:
    """The holders that receive the result."""
    told = manifest.params.get("result_to", "all")
    return manifest.names if told == "all" else tuple(told)


def check(manifest: Manifest) -> None:
    """Raise UserError PRV-MANIFEST where parameters don't fit."""
    params, names = manifest.params, manifest.names
    protocol, engine = params.get("protocol", "dh"), manifest.engine
    told = params.get("result_to", "all")
    _must(manifest, set(params) <= PARAMS, f"params {sorted(set(params) - PARAMS)}")
    _must(manifest, protocol in PROTOCOLS, f"protocol {protocol}")
    _must(manifest, isinstance(params.get("count", False), bool), "count")
    named = isinstance(told, list | tuple) and len(told) == len(set(told)) > 0 and set(told) <= set(names)
    _must(manifest, told == "all" or named, "result_to")
    needed = ("own", "1") if protocol == "dh" else ("spu", VERSION)
    _must(manifest, (engine.name, engine.version) == needed, f"engine {engine.name} {engine.version}")
    if protocol != "dh":
        engine_intersection.check(manifest, len(receivers(manifest)))
    _must(manifest, (protocol == "unbalanced") == ("server" in params), "server")
    check_keys(manifest, names)


def run(job: Job, link: Link) -> Result:
    """The protocol (``Kind.run``)."""
    manifest, table = job.manifest, job.rows
    keys = _text(table)
    order = key_order(keys)
    ids = _distinct(keys) if order is None else keys
    to = receivers(manifest)
    sets = sets_of(job, link, manifest.names, to)
    if manifest.params.get("protocol", "dh") != "dh":
        return _found(table, ids, order, engine_intersection.common(job, link, sets, ids))
    if manifest.params.get("count", False):
        told = count(sets, encoded(ids))
        return Result({"ids": len(ids)} if told is None else {"ids": len(ids), "common": told})
    found = common(sets, encoded(ids))
    return _found(table, ids, order, found)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> dict[str, Result]:
    """The same in the clear (``Kind.plain``)."""
    distinct = {name: _distinct(_text(table)) for name, table in tables.items()}
    sets = [set(ids.to_pylist()) for ids in distinct.values()]
    shared = pa.array(sorted(set.intersection(*sets)), pa.string())
    told = {}
    for name, table in tables.items():
        if name not in receivers(manifest):
            told[name] = _result(table, distinct[name], None)
        elif manifest.params.get("count", False):
            told[name] = Result({"ids": len(distinct[name]), "common": len(shared)})
        else:
            told[name] = _result(table, distinct[name], shared)
    return told


def _must(manifest: Manifest, held: bool, detail: str) -> None:  # noqa: FBT001 - a condition
    if not held:
        fail("PRV-MANIFEST", str(manifest.job), detail=detail)


def _text(table: pa.Table) -> pa.Array:
    """The keys as text."""
    keys = table.column(0).cast(pa.string())
    return keys.chunk(0) if keys.num_chunks == 1 else keys.combine_chunks()


def _distinct(keys: pa.Array) -> pa.Array:
    """The ids, each once."""
    return pc.drop_null(pc.unique(keys))


def _found(table: pa.Table, ids: pa.Array, order: Positions | None, found: Positions | None) -> Result:
    """As ``_result``, from positions in ``ids``; fast where those are the table's keys, in a known order."""
    if found is None:
        return _result(table, ids, None)
    if order is None:
        return _result(table, ids, ids.take(arrow(found)))
    shared = np.zeros(len(ids), bool)
    shared[found] = True
    return Result({"ids": len(ids), "common": len(found)}, table.take(arrow(order[shared[order]])))


def _result(table: pa.Table, ids: pa.Array, shared: pa.Array | None) -> Result:
    """What a party has: its own rows of the common ids, by key; nothing where it receives nothing."""
    told: dict[str, Any] = {"ids": len(ids)}
    if shared is None:
        return Result(told)
    rows = table.filter(pc.is_in(table.column(0).cast(pa.string()), value_set=shared))
    order = pc.sort_indices(rows.column(0).cast(pa.string()))
    return Result(told | {"common": len(shared)}, rows.take(order))


def learns(manifest: Manifest) -> dict[str, tuple[Text, ...]]:
    """What each holder learns (``Kind.learns``)."""
    to, only_count = receivers(manifest), manifest.params.get("count", False)
    protocol = manifest.params.get("protocol", "dh")
    result = _COUNT if only_count else _IDS
    aside = (_SIZES, *engine_intersection.ASIDE[protocol]) if protocol != "dh" else (_SIZES,)
    return {name: ((result, *aside) if name in to else aside) for name in manifest.names}


_IDS = Text(
    zh="共有主体的标识（即本方数据中其他各方也都有的行）",
    en="the common ids, that is, which of its own rows all the others have too",
)
_COUNT = Text(zh="共有主体的个数，不含是哪些主体", en="the number of common ids, not which")
_SIZES = Text(
    zh="其他各方的主体数（在约定范围内）", en="the others' numbers of ids, within the agreed bounds"
)
KIND = Kind(
    name="intersection",
    version=1,
    title=Text(zh="隐私求交", en="Private set intersection"),
    roles=(Role(HOLDER, Text(zh="数据持有方", en="holder"), at_least=2, at_most=PARTIES_AT_MOST),),
    protocols=(
        Protocol(
            "dh",
            "Meadows 1986; Jarecki, Liu 2010; Kolesnikov, Matania, Pinkas, Rosulek, Trieu 2017",
            SEMI_HONEST,
            Text(
                zh="领头方与其余各方中除一方外的全部串通，可知领头方的哪些主体在那一方；更少的串通者只知道结果",
                en="the leader and all others but one learn which of the leader's ids that one has; "
                "fewer learn nothing but the result",
            ),
            Text(
                zh="每行每个其他参与方约 4 次椭圆曲线乘法",
                en="about four multiplications on the curve for each row and other party",
            ),
        ),
        Protocol(
            "dh, count",
            "Huberman, Franklin, Hogg 1999; Kolesnikov, Matania, Pinkas, Rosulek, Trieu 2017",
            SEMI_HONEST,
            Text(
                zh="一方的数据经其他各方依次加密并打乱；与其他全部参与方串通者可还原顺序",
                en="each set is shuffled by all the other parties; only all of them together can undo it",
            ),
            Text(zh="每行每方一次椭圆曲线乘法", en="a multiplication on the curve for each row and party"),
        ),
        *engine_intersection.ROWS,
    ),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
