"""Kind ``joint_score``: subjects scored by a model that stays in parts, the whole score or its grade alone.

Each party computes its part's points of a subject by itself; the score is their sum
(``modelling.model_part``).

Points: each holder sends its part under masks that cancel out over all holders (``protocol.masks``; Bonawitz
et al., CCS 2017) modulo 2^64, with a second number that is 0, or random where it has no data; there the
part is random too. The bank adds all up. It sees uniform numbers with its result as their sum: a simulator
draws all but one and computes the last. With one holder nothing is hidden but by the sum itself.

Grade: holders but the first send such masked parts, so that the bank has s and the first holder, the
lead, t with s + t = score modulo 2^k, s uniform. The lead writes the grade of (x + t) for every x into a
table and the bank chooses entry s by oblivious transfer (``protocol.oblivious_choice``). The bank sees the
masked parts, uniform, and one entry, the grade; the lead uniform points. The bank can't choose a
second entry even if it deviates. The bank and the lead together learn the sum of the other holders' parts.

Whom the bank asks about: ``named`` seals the ids for each holder, who learns them (a subject that consents
is asked for by name); ``private`` aligns first (``alignment.alignment``). ``Scorer`` asks again and again in
one job: a single score takes one round trip.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import aligned, keys_of
from xinqiao.privacy.crypto.elgamal import checked_points
from xinqiao.privacy.crypto.group import POINT_BYTES, Points, the_group
from xinqiao.privacy.job.kind import Job, Kind, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import PARTIES_AT_MOST, Manifest
from xinqiao.privacy.job.wire import pack, unpack, whole_array
from xinqiao.privacy.modelling.model_part import ModelPart
from xinqiao.privacy.protocol import sealed_ids
from xinqiao.privacy.protocol.oblivious_choice import choose
from xinqiao.privacy.scores.score_answer import answer_all
from xinqiao.privacy.scores.score_parts import Holding, Parts, cut_rows, own_part, reasons
from xinqiao.privacy.scores.score_terms import ABSENT, PROTOCOLS, check, learns, ring_of, terms_of

BYTES_AT_ONCE = 1 << 22
"""Of hidden tables in one message."""
ROWS_AT_ONCE = 100_000


class Scorer:
    """The bank's end: keys agreed once, then one subject or many are scored, again and again."""

    def __init__(self, job: Job, link: Link, part: ModelPart) -> None:
        self._job, self._link, self._part, self._group = job, link, part, the_group()
        self._terms, self._holders = terms_of(job.manifest), [p.name for p in job.manifest.having("holder")]
        self._sealed = {}
        if self._terms.match == "named":
            context = job.manifest.digest.encode()
            self._sealed = {name: sealed_ids.agree(context, link, name) for name in self._holders}
        self._offered: Points | None = None
        if self._terms.answer == "grade":
            told = unpack(link.receive(self._holders[0], "score-offer"), self._holders[0], key=np.ndarray)
            self._offered = checked_points(self._group, told["key"], 1, self._holders[0])
        self._batches = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if kind is None:
            self._tell([])

    def score(self, table: pa.Table) -> pa.Table:
        """The rows' keys with ``score`` or ``grade`` (null where a holder has no data), and ``reasons``.

        ``table`` has the key first, then the bank's variables. Raises UserError PRV-SCORE-UNIT, PRV-MESSAGE.
        """
        ids = keys_of(table)
        own = Parts(self._part.units(table), np.ones(len(ids), np.bool_), self._part.card.unit)
        self._tell(ids)
        told = self._graded(own) if self._offered is not None else self._summed(own)
        lowered = self._lowered(len(ids))
        return scored(table, told, reasons(self._part, table), lowered, self._job.manifest)

    @property
    def batch(self) -> int:
        """Subjects that may be scored at once."""
        return batch_of(self._job.manifest)

    def _tell(self, ids: list[str]) -> None:
        self._batches += 1
        for name in self._holders:
            sealed = self._sealed[name].seal(ids) if name in self._sealed and ids else b""
            self._link.send(name, "score-ask", pack({"count": len(ids), "sealed": sealed}))

    def _part_of(self, name: str, count: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
        told = unpack(self._link.receive(name, "score-part"), name, part=np.ndarray, unit=int)
        part, unit = told["part"], self._part.card.unit
        if part.shape != (count,) or part.dtype != np.uint64:
            fail("PRV-MESSAGE", name, detail=f"part {part.shape}")
        if told["unit"] != unit:
            fail("PRV-SCORE-UNIT", name, found=told["unit"], wanted=unit)
        total: np.ndarray[Any, np.dtype[np.uint64]] = part
        return total

    def _summed(self, own: Parts) -> list[float | None]:
        count = len(own.units)
        total = np.concatenate([own.units, np.zeros(count, np.int64)]).view(np.uint64)
        for name in self._holders:
            total = total + self._part_of(name, 2 * count)
        units, absent = total[:count].view(np.int64), total[count:] != 0
        return [None if a else int(u) / own.unit for u, a in zip(units, absent, strict=True)]

    def _graded(self, own: Parts) -> list[int | None]:
        ring, terms, lead = ring_of(self._job.manifest), self._terms, self._holders[0]
        low, high = terms.bank_points or (0, 0)
        total = own.points(low, high).view(np.uint64)
        for name in self._holders[1:]:
            total = total + self._part_of(name, len(own.units))
        places = [int(place) for place in total & np.uint64((1 << ring.bits) - 1)]
        offered = self._offered if self._offered is not None else np.empty((0, POINT_BYTES), np.uint8)
        context = f"{self._job.manifest.digest}/{self._batches}".encode()
        choice = choose(self._group, offered, places, ring.bits, context)
        self._link.send(lead, "score-choose", pack({"asked": choice.asked}))
        payload = self._link.receive(lead, "score-table")
        hidden = whole_array(payload, lead, (len(places), 1 << ring.bits), "|u1", "hidden")
        grades = [None if grade == ABSENT else grade for grade in choice.read(hidden)]
        if any(grade is not None and grade > len(terms.cutoffs) for grade in grades):
            fail("PRV-MESSAGE", lead, detail="grades")
        return grades

    def _lowered(self, count: int) -> dict[str, list[bool]]:
        told: dict[str, list[bool]] = {}
        for name in self._holders if self._terms.lowered is not None else ():
            payload = self._link.receive(name, "score-lowered")
            told[name] = whole_array(payload, name, (count,), "|b1", "bits").tolist()
        return told


def batch_of(manifest: Manifest) -> int:
    """Subjects that may be scored at once."""
    if terms_of(manifest).answer == "points":
        return ROWS_AT_ONCE
    return max(1, BYTES_AT_ONCE >> ring_of(manifest).bits)


def run(job: Job, link: Link) -> Result:
    """See ``Kind``. Raises UserError PRV-MODEL-PART, PRV-MANIFEST, PRV-SCORE-*, PRV-SET-*, PRV-MESSAGE."""
    table, terms = job.rows, terms_of(job.manifest)
    part = own_part(job.manifest, job.state, terms.model, job.me.name)
    common = aligned(job, link, job.manifest.names) if terms.match == "private" else None
    if job.me.role == "holder":
        mine = table if common is None else common
        count = answer_all(job, link, part, mine, batch_of(job.manifest))
        return Result({"asked": count, **cut_rows(part, table, terms.holder_points)})
    asked, told = table if common is None else common, []
    with Scorer(job, link, part) as scorer:
        for start in range(0, asked.num_rows, scorer.batch):
            told.append(scorer.score(asked.slice(start, scorer.batch)))
            job.progress(min(1.0, (start + scorer.batch) / asked.num_rows))
    return _result(job.manifest, part, table, told)


def _result(manifest: Manifest, part: ModelPart, table: pa.Table, told: list[pa.Table]) -> Result:
    """The bank's result: all its rows in its order; those that were not common have no score."""
    empty = scored(table.slice(0, 0), [], [], {}, manifest)
    found = pa.concat_tables([empty, *told])
    rows, keys = {key: row for row, key in enumerate(keys_of(found))}, keys_of(table)
    if len(rows) < len(set(keys)):
        missing = table.filter(pa.array([key not in rows for key in keys]))
        none = {name: [False] * missing.num_rows for name in _lowering(manifest)}
        nulls: list[float | None] = [None] * missing.num_rows
        found = pa.concat_tables([found, scored(missing, nulls, reasons(part, missing), none, manifest)])
        rows = {key: row for row, key in enumerate(keys_of(found))}
    found = found.take(pa.array([rows[key] for key in keys], pa.int64()))
    counts = {"asked": table.num_rows, "scored": table.num_rows - found.column(1).null_count}
    return Result(counts | cut_rows(part, table, terms_of(manifest).bank_points), found)


def _lowering(manifest: Manifest) -> list[str]:
    return [p.name for p in manifest.having("holder")] if terms_of(manifest).lowered is not None else []


def scored(
    table: pa.Table,
    told: list[float | None] | list[int | None],
    why: list[list[str]],
    lowered: Mapping[str, list[bool]],
    manifest: Manifest,
) -> pa.Table:
    """The bank's table: key, ``score`` or ``grade``, ``reasons``, and with ``lowered`` ``lowered_by``."""
    grade = terms_of(manifest).answer == "grade"
    columns = {table.column_names[0]: table.column(0)}
    columns["grade" if grade else "score"] = pa.array(told, pa.int64() if grade else pa.float64())
    columns["reasons"] = pa.array(why, pa.list_(pa.string()))
    if terms_of(manifest).lowered is not None:
        names = [[n for n, bits in lowered.items() if bits[row]] for row in range(table.num_rows)]
        columns["lowered_by"] = pa.array(names, pa.list_(pa.string()))
    return pa.table(columns)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """See ``Kind``; each party's part of the model stands in its table's metadata as ``model_part``."""
    terms, bank = terms_of(manifest), manifest.only("bank").name
    parts = {n: ModelPart.model_validate_json(t.schema.metadata[b"model_part"]) for n, t in tables.items()}
    asked = tables[bank]
    ids = keys_of(asked)
    held = {p.name: Holding(parts[p.name], tables[p.name], p.name).of(ids) for p in manifest.having("holder")}
    has = np.all([each.has for each in held.values()], axis=0)
    own = Parts(parts[bank].units(asked), np.ones(len(ids), np.bool_), parts[bank].card.unit)
    if terms.answer == "grade":
        ring = ring_of(manifest)
        whole = ring.least + own.points(*(terms.bank_points or (0, 0)))
        whole += np.sum([p.points(*(terms.holder_points or (0, 0))) for p in held.values()], axis=0)
        told = np.searchsorted(terms.cutoffs, whole, side="right").tolist()
    else:
        told = (np.sum([p.units for p in (own, *held.values())], axis=0) / own.unit).tolist()
    lowered = {}
    if terms.lowered is not None:
        common = has if terms.match == "private" else True
        lowered = {n: (each.lowered(terms.lowered) & common).tolist() for n, each in held.items()}
    kept = [each if has[n] else None for n, each in enumerate(told)]
    table = scored(asked, kept, reasons(parts[bank], asked), lowered, manifest)
    count = len(ids) if terms.match == "named" else int(has.sum())
    results = {
        name: Result({"asked": count, **cut_rows(parts[name], tables[name], terms.holder_points)})
        for name in held
    }
    counts = {"asked": len(ids), "scored": int(has.sum())}
    return results | {bank: Result(counts | cut_rows(parts[bank], asked, terms.bank_points), table)}


KIND = Kind(
    name="joint_score",
    version=1,
    title=Text(zh="联合评分", en="joint score"),
    roles=(
        Role("bank", Text(zh="银行", en="bank")),
        Role("holder", Text(zh="数据方", en="data holder"), 1, PARTIES_AT_MOST - 1),
    ),
    protocols=PROTOCOLS,
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
