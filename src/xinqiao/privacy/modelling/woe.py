"""Weight of evidence (WOE) and information value (IV) of holders' features by a bank's label.

Each holder bins its features without any label, joins bins of few rows and shuffles them; the bank learns
how many goods and bads are in each bin, but not which range of values a bin is. Holders learn nothing of
labels. The sums are those of ``modelling.bin_sums``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import ALIGNED
from xinqiao.privacy.crypto.stream import shuffled
from xinqiao.privacy.job.kind import Job, Kind, Result
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling.bin_sums import ROOT, Bins, Long, Nodes, Sums
from xinqiao.privacy.modelling.bin_sums_terms import BANK, DEALER, DEALT, HOLDER, OKAMOTO, PAILLIER, SIZES
from xinqiao.privacy.modelling.columns import labels
from xinqiao.privacy.modelling.label_features import (
    LabelParams,
    asker,
    binned,
    check_rows,
    common_rows,
    joined_plain,
    teller,
)
from xinqiao.privacy.modelling.parties import columns_of, holders, read_params
from xinqiao.scoring.binning import DIGITS
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.merging import Rules, Totals

PACKED = 32
"""Bits by which a row's count stands above its label, so that one sum tells both."""


def check(manifest: Manifest) -> None:
    """See Kind."""
    read_params(LabelParams, manifest)


def run(job: Job, link: Link) -> Result:
    """See Kind."""
    manifest, params = job.manifest, read_params(LabelParams, job.manifest)
    table = common_rows(job, link)
    if table is None:
        return Result()
    check_rows(table, params.least, job.me.name)
    job.progress(0.3)
    if job.me.role == "holder":
        bins = _shuffled(_joined(manifest, table, job.me.name, params))
        side = teller(job, link, bins)
        side.take()
        side.tell(_root(table.num_rows), 1)
        return Result({"rows": table.num_rows})
    label = labels(table, params.label)
    ask = asker(job, link, table.num_rows)
    ask.offer(label.astype(np.int64) + (1 << PACKED))
    sums = {name: told[0] for name, told in ask.ask(_root(table.num_rows)).items()}
    ask.end()
    return _result(manifest, label, sums)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """See Kind."""
    params, bank = read_params(LabelParams, manifest), manifest.only("bank").name
    rows = joined_plain(manifest, tables)
    check_rows(rows[bank], params.least, bank)
    label = labels(rows[bank], params.label)
    sums = {}
    for name in holders(manifest):
        bins = _joined(manifest, rows[name], name, params)
        sums[name] = tuple(
            np.bincount(codes - first, weights=label + 2.0**PACKED, minlength=end - first).astype(np.int64)
            for codes, first, end in zip(bins.codes.T, bins.edges[:-1], bins.edges[1:], strict=True)
        )
    told = {name: Result({"rows": len(label)}) for name in sums} | {bank: _result(manifest, label, sums)}
    return told | {party.name: Result() for party in manifest.having("dealer")}


def _root(rows: int) -> Nodes:
    return Nodes(np.zeros(rows, np.uint8), (ROOT,))


def _joined(manifest: Manifest, table: pa.Table, name: str, params: LabelParams) -> Bins:
    """The holder's features in bins of at least ``least`` rows."""
    _, bins = binned(table, columns_of(manifest.party(name)), params.bins)
    firsts = bins.joined(np.arange(table.num_rows), params.least)
    codes = np.searchsorted(firsts, bins.codes, side="right") - 1
    return Bins(codes.astype(np.int64), np.searchsorted(firsts, bins.edges).astype(np.int64))


def _shuffled(bins: Bins) -> Bins:
    """The bins of each feature in a random order."""
    runs = zip(bins.edges[:-1].tolist(), bins.edges[1:].tolist(), strict=True)
    order = np.concatenate([np.zeros(0, np.intp), *(first + shuffled(end - first) for first, end in runs)])
    return Bins(order[bins.codes], bins.edges)


def _result(manifest: Manifest, label: Floats, sums: Mapping[str, Sums]) -> Result:
    """What the bank learns: a table of bins, by WOE and size within a feature, and each feature's IV."""
    totals, value = Totals(float(len(label)), float(label.sum())), dict[str, dict[str, float]]()
    lines: list[tuple[str, str, int, int, float]] = []
    for name, features in sums.items():
        value[name] = {}
        for column, groups in zip(columns_of(manifest.party(name)), features, strict=True):
            told = [(good, bad, woe) for woe, good, bad in _evidence(groups, totals, name)]
            lines += [(name, column, *line) for line in told]
            value[name][column] = _value(told, totals)
    names = ("party", "column", "good", "bad", "woe")
    table = pa.table({n: list(c) for n, c in zip(names, zip(*lines, strict=True), strict=True)})
    return Result({"rows": len(label), "bads": int(label.sum()), "iv": value}, table)


def _evidence(groups: Long, totals: Totals, source: str) -> list[tuple[float, int, int]]:
    """WOE, goods and bads of each bin, least WOE first. Raises UserError PRV-MESSAGE for wrong counts."""
    count, bad = groups >> PACKED, groups & ((1 << PACKED) - 1)
    whole = int(count.sum()) == totals.n and int(bad.sum()) == totals.bad
    if not whole or (count < 1).any() or (bad > count).any():
        fail("PRV-MESSAGE", source, detail="counts")
    smoothing = Rules().smoothing
    pairs = zip(count.tolist(), bad.tolist(), strict=True)
    return sorted((round(totals.woe(n, b, smoothing), DIGITS) + 0.0, n - b, b) for n, b in pairs)


def _value(bins: list[tuple[int, int, float]], totals: Totals) -> float:
    goods = totals.n - totals.bad
    return round(sum((good / goods - bad / totals.bad) * woe for good, bad, woe in bins), DIGITS)


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """See Kind."""
    told: dict[str, tuple[Text, ...]] = dict.fromkeys(holders(manifest), (ALIGNED,))
    told[manifest.only("bank").name] = (ALIGNED, COUNTS, LIE)
    return told | {party.name: (SIZES,) for party in manifest.having("dealer")}


COUNTS = Text(
    zh="每个特征各箱的好、坏客户数与 IV；箱的顺序打乱，不知其取值范围",
    en="goods and bads in each bin of each feature, and its IV; bins are shuffled, their ranges unknown",
)
LIE = Text(
    zh="若谎报标签（例如只把一行记为坏），可得知该行所在的箱；由次数预算约束",
    en="a bank that lies about labels (one row alone as bad) learns that row's bins; bounded by budget",
)
KIND = Kind(
    name="woe",
    version=1,
    title=Text(zh="联合 WOE 与 IV", en="WOE and IV of others' features"),
    roles=(BANK, HOLDER, DEALER),
    protocols=(PAILLIER, OKAMOTO, DEALT),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
