"""What a joint scorecard and a run of data value have in common: alignment, fits with folds, validation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from xinqiao.kernel.errors import fail
from xinqiao.privacy.alignment.alignment import aligned, joined, keys_of
from xinqiao.privacy.crypto.stream import Stream
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Among, Link
from xinqiao.privacy.job.manifest import Manifest, Party
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.modelling.columns import Block, block, labels
from xinqiao.privacy.modelling.joint_evaluation import measure, submit, submit_outcome
from xinqiao.privacy.modelling.joint_logistic import (
    ODDS_BITS,
    Own,
    Plan,
    Shared,
    deal,
    deal_log_odds,
    fit,
    fit_plain,
    log_odds,
)
from xinqiao.privacy.modelling.lift import Lift, lift
from xinqiao.privacy.modelling.parties import ModelParams, features, members, read_params
from xinqiao.privacy.protocol.common_stream import common_stream
from xinqiao.privacy.protocol.dealer import Dealer
from xinqiao.privacy.protocol.sharing import Held, Member, Ring
from xinqiao.scoring.columns import Floats

WIDTH_AT_MOST = 2000
LEAST = 30
"""Bad rows, and good ones, that a joint model needs."""


class Settings(ModelParams):
    """Parameters: bins of a column, folds of the validation, steps."""

    bins: int = Field(default=8, ge=2, le=10)
    folds: int = Field(default=5, ge=2, le=10)
    steps: int = Field(default=100, ge=1, le=200)


def settings(manifest: Manifest) -> Settings:
    """The parameters, and that roles fit them. Raises UserError PRV-MANIFEST."""
    return read_params(Settings, manifest)


def folds_of(manifest: Manifest, table: pa.Table, folds: int) -> NDArray[np.intp]:
    """Each row's fold by its place among the sorted keys: the same at all members, whatever the rows' order.

    By the place and not by the key, so that a third party who sees the folds of rows in their secret order
    sees nothing of any key.
    """
    salt, count = manifest.digest.encode(), table.num_rows
    digests = [hashlib.sha256(salt + place.to_bytes(8, "big")).digest()[:8] for place in range(count)]
    keys = keys_of(table)
    told = np.empty(count, np.intp)
    told[sorted(range(count), key=keys.__getitem__)] = [int.from_bytes(d, "big") % folds for d in digests]
    return told


@dataclass(frozen=True, slots=True)
class Rows:
    """A member's aligned rows, ready to fit. ``fold`` (rows,); ``bad`` at the bank."""

    block: Block
    fold: NDArray[np.intp]
    bad: Floats | None

    @property
    def matrix(self) -> Floats:
        """What is fitted: the bank's with a column of ones first."""
        own = self.block.matrix
        return own if self.bad is None else np.column_stack([np.ones(len(own)), own])

    def used(self, fits: int) -> Floats:
        """(rows, fits): fit k leaves out fold k; those beyond the folds use all rows."""
        return np.asarray(self.fold[:, None] != np.arange(fits), np.float64)


def rows_of(manifest: Manifest, party: Party, table: pa.Table) -> Rows:
    """A member's rows. Raises UserError PRV-LABEL, PRV-MODEL-FEW, PRV-MODEL-COLUMNS, SCR-*."""
    told = settings(manifest)
    own = block(table, features(party, told.label), told.bins)
    if party.role == "holder" and not own.matrix.shape[1]:
        fail("PRV-MODEL-COLUMNS", party.name)
    bad = labels(table, told.label, LEAST) if party.role == "bank" else None
    return Rows(own, folds_of(manifest, table, told.folds), bad)


def common_rows(job: Job, link: Link) -> Rows:
    """Align with the other members and prepare."""
    names = members(job.manifest)
    return rows_of(job.manifest, job.me, aligned(job, Among(link, names), names))


@dataclass(frozen=True, slots=True)
class Trained:
    """A member's state after the fits; ``lift`` at the bank alone."""

    member: Member
    plan: Plan
    rows: Rows
    shared: Shared
    stream: Stream
    lift: Lift | None


def train(job: Job, link: Link, fits: int) -> Trained:
    """The side of the bank and of a holder: align, fit, validate."""
    names, dealer = members(job.manifest), job.manifest.only("dealer").name
    rows, told = common_rows(job, link), settings(job.manifest)
    sizes = exchanged(link, names, [dealer], rows.matrix.shape)
    plan = Plan(sizes[0][0], tuple((n, w) for n, (_, w) in zip(names, sizes, strict=True)), told.steps, fits)
    member, stream = Member(link, names, dealer), common_stream(link, names)
    own = Own(rows.matrix, rows.used(fits).astype(np.uint64), rows.bad)
    shared = fit(member, plan, own, job.progress)
    odds = log_odds(member, plan, shared)
    held_out: Ring = odds[np.arange(plan.rows), rows.fold]
    order = submit(link, names, dealer, held_out, stream)
    found = None
    if rows.bad is not None:
        alone = out_of_fold(rows.matrix, rows.bad, rows.fold, told.folds)
        found = submit_outcome(link, dealer, rows.bad, alone, order)
    return Trained(member, plan, rows, shared, stream, found)


def train_dealer(job: Job, link: Link, fits: int) -> tuple[Dealer, Plan]:
    """The dealer's side of ``train``."""
    names, told = members(job.manifest), settings(job.manifest)
    sizes = shapes(link, names)
    plan = Plan(sizes[0][0], tuple((n, w) for n, (_, w) in zip(names, sizes, strict=True)), told.steps, fits)
    dealer = Dealer(link, names)
    held: tuple[Held, ...] = deal(dealer, plan)
    deal_log_odds(dealer, plan, held)
    measure(link, names, plan.rows, ODDS_BITS, told.folds)
    return dealer, plan


def exchanged(
    link: Link, names: Sequence[str], third: Sequence[str], own: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Rows and width of every member, told to all members and to third parties."""
    payload = pack({"rows": own[0], "width": own[1]})
    for name in (*names, *third):
        if name != link.me:
            link.send(name, "shape", payload)
    sizes = [(own[0], own[1]) if name == link.me else _shape(link, name) for name in names]
    _agree(names, sizes)
    return sizes


def shapes(link: Link, names: Sequence[str]) -> list[tuple[int, int]]:
    """Rows and width of every member, at a third party, once they have aligned."""
    sizes = [_shape(link, name) for name in names]
    _agree(names, sizes)
    return sizes


def _shape(link: Link, source: str) -> tuple[int, int]:
    told = unpack(link.receive(source, "shape"), source, rows=int, width=int)
    return told["rows"], told["width"]


def _agree(names: Sequence[str], sizes: Sequence[tuple[int, int]]) -> None:
    """Rows must be alike and widths within what columns and bins can give."""
    for name, (rows, width) in zip(names, sizes, strict=True):
        if rows != sizes[0][0] or not 0 < width <= WIDTH_AT_MOST:
            fail("PRV-MESSAGE", name, detail=f"{rows} x {width}")


def out_of_fold(matrix: Floats, bad: Floats, fold: NDArray[np.intp], folds: int) -> Floats:
    """Log odds in the clear of each row under the fit that left out its fold."""
    odds = np.empty(len(bad))
    for k in range(folds):
        theta = fit_plain(matrix, bad, (fold != k).astype(np.float64))
        odds[fold == k] = matrix[fold == k] @ theta
    return odds


@dataclass(frozen=True, slots=True)
class Pooled:
    """The same from all parties' tables at once: rows by member, all columns, and the lift."""

    rows: Mapping[str, Rows]
    matrix: Floats
    bad: Floats
    lift: Lift


def pooled(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Pooled:
    """What ``train`` finds, in the clear."""
    names, told = members(manifest), settings(manifest)
    common = joined({name: tables[name] for name in names})
    rows = {name: rows_of(manifest, manifest.party(name), common[name]) for name in names}
    matrix = np.column_stack([rows[name].matrix for name in names])
    bank = rows[names[0]]
    bad = bank.bad if bank.bad is not None else np.empty(0)
    both = [out_of_fold(m, bad, bank.fold, told.folds) for m in (matrix, bank.matrix)]
    return Pooled(rows, matrix, bad, lift(both[0], both[1], bad, told.folds))
