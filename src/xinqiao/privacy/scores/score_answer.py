"""A holder's side of a joint score (``scores.joint_score``)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.privacy.alignment.alignment import keys_of
from xinqiao.privacy.crypto.elgamal import checked_points
from xinqiao.privacy.crypto.group import the_group
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.modelling.model_part import ModelPart
from xinqiao.privacy.protocol import masks, sealed_ids
from xinqiao.privacy.protocol.masks import Masks, Unsigned
from xinqiao.privacy.protocol.oblivious_choice import Bytes, hide, offer
from xinqiao.privacy.scores.score_parts import Holding, Parts
from xinqiao.privacy.scores.score_terms import ABSENT, Ring, Terms, ring_of, terms_of


def answer_all(job: Job, link: Link, part: ModelPart, table: pa.Table, batch: int) -> int:
    """Answer batches until the bank ends; how many subjects it asked about.

    ``table``: the own rows, the common ones in order where parties are aligned. Raises UserError
    PRV-SCORE-KEYS, PRV-MESSAGE, PRV-POINT.
    """
    manifest, context = job.manifest, job.manifest.digest.encode()
    bank, terms = manifest.only("bank"), terms_of(manifest)
    holding = Holding(part, table, link.me)
    holders = [p.name for p in manifest.having("holder")]
    sealed = sealed_ids.agree(context, link, bank.name) if terms.match == "named" else None
    keys = masks.agree(context, link, holders) if len(holders) > 1 else Masks(link.me, {})
    grades = _grades(job, link, keys) if terms.answer == "grade" else None
    rows = keys_of(table) if sealed is None else []
    asked = 0
    for number, (count, told) in enumerate(_batches(link, bank.name, batch), 1):
        ids = rows[asked : asked + count] if sealed is None else sealed.open(told, count)
        asked += count
        if len(ids) < count or asked > (bank.input.rows_at_most if bank.input is not None else 0):
            fail("PRV-MESSAGE", bank.name, detail=f"{asked} subjects")
        parts = holding.of(ids)
        if grades is None:
            send_part(link, bank.name, parts, _whole(parts) + keys.columns(f"score/{number}", 2 * count))
        else:
            grades(number, parts)
        if terms.lowered is not None:
            link.send(bank.name, "score-lowered", pack({"bits": parts.lowered(terms.lowered)}))
    return asked


def _batches(link: Link, bank: str, batch: int) -> Iterator[tuple[int, bytes]]:
    while True:
        told = unpack(link.receive(bank, "score-ask"), bank, count=int, sealed=bytes)
        if told["count"] == 0:
            return
        if not 0 < told["count"] <= batch:
            fail("PRV-MESSAGE", bank, detail=f"{told['count']} subjects")
        yield told["count"], told["sealed"]


def send_part(link: Link, bank: str, parts: Parts, masked: Unsigned) -> None:
    """Hand a masked part over."""
    link.send(bank, "score-part", pack({"part": masked, "unit": parts.unit}))


def _whole(parts: Parts) -> Unsigned:
    """Units, then 0; two random numbers where there are no data."""
    count = len(parts.units)
    told = np.concatenate([parts.units, np.zeros(count, np.int64)]).view(np.uint64)
    random = np.frombuffer(os.urandom(16 * count), np.uint64)
    return np.where(np.tile(parts.has, 2), told, random)


def _grades(job: Job, link: Link, keys: Masks) -> Callable[[int, Parts], None]:
    """What a holder does in each batch of grades: the lead lets the bank choose, others send a part."""
    manifest, group = job.manifest, the_group()
    terms, ring, bank = terms_of(manifest), ring_of(manifest), manifest.only("bank").name
    lead = link.me == manifest.having("holder")[0].name
    offered = offer(group)
    if lead:
        link.send(bank, "score-offer", pack({"key": offered.public}))
    low, high = terms.holder_points or (0, 0)

    def answer(number: int, parts: Parts) -> None:
        points = np.where(parts.has, parts.points(low, high), ring.absent)
        masked = points.astype(np.uint64) + keys.columns(f"grade/{number}", len(points))
        if not lead:
            send_part(link, bank, parts, masked)
            return
        told = unpack(link.receive(bank, "score-choose"), bank, asked=np.ndarray)["asked"]
        asked = checked_points(group, told, len(points) * ring.bits, bank)
        context = f"{manifest.digest}/{number}".encode()
        grades = tables(terms, ring, masked)
        grades[~parts.has] = ABSENT
        hidden = hide(group, offered, asked, grades, context)
        link.send(bank, "score-table", pack({"hidden": hidden}))

    return answer


def tables(terms: Terms, ring: Ring, masked: Unsigned) -> Bytes:
    """For each subject the grade at every value that the bank's side may have."""
    size = 1 << ring.bits
    places = np.arange(size)
    grades = np.searchsorted(terms.cutoffs, places + ring.least, side="right").astype(np.uint8)
    grades[places >= ring.absent] = ABSENT
    shifts = (masked & np.uint64(size - 1)).astype(np.int64)
    told: Bytes = grades[(places + shifts[:, None]) & (size - 1)]
    return told
