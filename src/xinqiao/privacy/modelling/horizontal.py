"""Banks with the same features fit one scorecard on all their rows by secure sums; no row leaves its bank.

One party leads: it receives the masked sums of all banks, decides (bins, WOE, Newton's next point) and
tells the banks. That is the coordinator, who has no rows, or the first bank where there are at least three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.crypto import kept
from xinqiao.privacy.job.kind import SEMI_HONEST, Job, Kind, Protocol, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, whole_array
from xinqiao.privacy.modelling.horizontal_fit import (
    Newton,
    Rows,
    card_of,
    cut,
    edges_of,
    evidence,
    quality,
    rows_of,
    span_of,
    woe_of,
)
from xinqiao.privacy.modelling.horizontal_terms import (
    CELLS_OF_SCORES,
    Terms,
    banks,
    check,
    lead_of,
    learns,
    terms_of,
)
from xinqiao.privacy.protocol.masks import SecureSum, secure_sum
from xinqiao.scoring.card import Card
from xinqiao.scoring.columns import Floats

Decision: TypeAlias = Callable[[list[int]], Floats]
Decide: TypeAlias = Callable[[str, int, list[int] | None, Decision, int], Floats]
"""Label, how many sums, own numbers, what is decided from the sums, how many numbers that is."""


TOLD_AT_MOST = 1e15
"""Size of an edge, a WOE or a coefficient; what is beyond makes no card. Edges that are none are NaN."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Banks' sums to the lead, the lead's decision to the banks."""

    link: Link
    adding: SecureSum
    lead: str

    def decide(
        self, label: str, count: int, values: list[int] | None, decision: Decision, size: int
    ) -> Floats:
        """What the lead decides from the sums; called at every party in turn. See ``Decide``."""
        sums = self.adding.wide(label, count, values)
        if sums is not None:
            told = decision(sums)
            for name in self.adding.holders:
                if name != self.lead:
                    self.link.send(name, f"{label}-told", pack({"told": told}))
            return told
        told = whole_array(self.link.receive(self.lead, f"{label}-told"), self.lead, (size,), "<f8", "told")
        if (np.abs(told) > TOLD_AT_MOST).any():
            fail("PRV-MESSAGE", self.lead, detail=label)
        return told


def run(job: Job, link: Link) -> Result:
    """The protocol. Raises UserError PRV-HORIZONTAL-LABEL, PRV-HORIZONTAL-COLUMN, PRV-HORIZONTAL-FEW."""
    terms, lead = terms_of(job.manifest), lead_of(job.manifest)
    rows = None if job.table is None else rows_of(job.table, terms, link.me)
    adding = secure_sum(bytes.fromhex(job.manifest.digest), link, banks(job.manifest), [lead])
    card, told = _fit(Talk(link, adding, lead).decide, rows, terms, job.progress)
    _keep(job, card)
    return _result(card, told)


def _fit(
    decide: Decide, rows: Rows | None, terms: Terms, progress: Callable[[float], None]
) -> tuple[Card, Floats]:
    wide = len(terms.features)
    flat = decide(
        "cells",
        wide * terms.cells,
        None if rows is None else rows.cells(terms),
        lambda sums: cut(sums, terms).ravel(),
        wide * (terms.bins - 1),
    )
    edges = edges_of(flat, terms)
    sizes = sum(len(cuts) + 2 for cuts in edges)
    shown = decide(
        "bins",
        2 * sizes,
        None if rows is None else rows.bins(edges, terms),
        lambda sums: evidence(sums, edges, terms),
        sizes + 1,
    )
    woe = woe_of(shown, edges)
    if rows is not None:
        rows.valued(woe)
    progress(0.2)
    theta = _newton(decide, rows, terms, float(shown[-1]))
    span = span_of(theta, woe)
    own = None if rows is None else rows.scores(theta, span)
    told = decide("scores", 2 * CELLS_OF_SCORES, own, quality, 2)
    return card_of(theta, edges, woe, terms), told


def _newton(decide: Decide, rows: Rows | None, terms: Terms, share: float) -> Floats:
    size = len(terms.features) + 1
    if not 0 < share < 1:
        fail("PRV-MESSAGE", "lead", detail="share")
    theta: Floats = np.array([np.log(share / (1 - share)), *np.zeros(size - 1)])
    newton = Newton(terms, theta)
    for step in range(terms.steps):
        own = None if rows is None else rows.derivatives(theta)
        told = decide(f"step-{step}", 1 + size + size * (size + 1) // 2, own, newton.next, size + 1)
        if np.isnan(told).any():
            fail("PRV-MESSAGE", "lead", detail=f"step-{step}")
        theta = told[1:]
        if told[0]:
            break
    return theta


def _keep(job: Job, card: Card) -> None:
    """The card in the node's folder, named by the manifest it was fitted under."""
    kept.write(job.state / f"card-{job.manifest.digest}.json", card.to_json())


def _result(card: Card, told: Floats) -> Result:
    lines = [
        (v.name, b.label.zh, b.label.en, b.woe, b.points, v.coefficient)
        for v in card.variables
        for b in v.bins
    ]
    names = ("variable", "bin_zh", "bin_en", "woe", "points", "coefficient")
    table = pa.table(dict(zip(names, (list(column) for column in zip(*lines, strict=True)), strict=True)))
    return Result({"auc": float(told[0]), "ks": float(told[1]), "base_points": card.base_points}, table)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """The same from all rows at once: equal but for rounding in the last digits."""
    terms = terms_of(manifest)
    names = [terms.target, *terms.features]
    pooled = pa.concat_tables([tables[name].select(names) for name in banks(manifest)])
    rows = rows_of(pooled, terms, "pooled")
    card, told = _fit(_pooled, rows, terms, lambda _: None)
    return dict.fromkeys(manifest.names, _result(card, told))


def _pooled(_: str, __: int, values: list[int] | None, decision: Decision, ___: int) -> Floats:
    return decision(values or [])


KIND = Kind(
    name="horizontal",
    version=1,
    title=Text(zh="横向联合评分卡", en="Scorecard of banks with the same features"),
    roles=(
        Role("bank", Text(zh="银行（特征相同、客户不同）", en="bank"), at_least=2, at_most=15),
        Role("coordinator", Text(zh="协调方（不提供数据）", en="coordinator"), 0, 1, brings_data=False),
    ),
    protocols=(
        Protocol(
            "Newton's method on pairwise masked sums",
            "Bonawitz et al., Practical Secure Aggregation for Privacy-Preserving Machine Learning, CCS 2017",
            SEMI_HONEST,
            Text(
                zh="主持方与除一家外的全部银行合谋，才能得到该家的合计",
                en="a bank's own sums fall only if the lead and all other banks collude",
            ),
            Text(
                zh="约十轮；每轮 24 字节乘以特征数平方的一半",
                en="about ten rounds, each of 24 bytes times half the square of the features",
            ),
        ),
    ),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
