"""The kind ``data_value``: what holders' columns would add to a bank's own, before the bank buys them.

The joint model is fitted on shares, measured on rows it was not fitted on, and thrown away: nobody learns
a coefficient, nor a score of a row it knows. The bank learns AUC and KS of the joint score and of its own
columns alone, their difference with an interval, and the information value (IV) of each column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import ALIGNED
from xinqiao.privacy.job.kind import Job, Kind, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest, Party
from xinqiao.privacy.job.wire import pack, whole_array
from xinqiao.privacy.modelling.columns import Block
from xinqiao.privacy.modelling.joint_evaluation import zero
from xinqiao.privacy.modelling.joint_training import (
    Trained,
    pooled,
    settings,
    train,
    train_dealer,
)
from xinqiao.privacy.modelling.lift import Lift
from xinqiao.privacy.modelling.parties import features, members
from xinqiao.privacy.modelling.scorecard import BANK, DEALER, DEALT, HOLDER, THIRD, WIDTHS, dealt
from xinqiao.privacy.protocol.dealer import Dealer
from xinqiao.privacy.protocol.sharing import Ring
from xinqiao.scoring.columns import Floats

SMOOTHING = 2.0
"""Rows at the overall bad rate added to each bin, as ``scoring.merging`` does."""
SAMPLES = 300
BINS_AT_MOST = 21
Values = dict[str, dict[str, list[float]]]
"""IV, low and high by party and column."""


def run(job: Job, link: Link) -> Result:
    """See ``Kind``. Raises UserError PRV-LABEL, PRV-MODEL-FEW, PRV-MODEL-COLUMNS."""
    folds = settings(job.manifest).folds
    if job.me.role == "dealer":
        dealer, plan = train_dealer(job, link, folds)
        for party in job.manifest.having("holder"):
            _deal_value(job.manifest, party, link, dealer, plan.rows)
        return Result({"rows": plan.rows})
    trained = train(job, link, folds)
    values: Values = {}
    for party in job.manifest.having("holder"):
        found = _value(job.manifest, party, link, trained)
        if found is not None:
            values[party.name] = found
    return _result(
        job.manifest, len(trained.rows.fold), trained.rows.bad, trained.lift, values, trained.rows.block
    )


def _result(  # noqa: PLR0917 - what the bank is told, each thing once
    manifest: Manifest, rows: int, bad: Floats | None, lift: Lift | None, values: Values, own: Block
) -> Result:
    if bad is None or lift is None:
        return Result({"rows": rows})
    bank = manifest.only("bank")
    values = {bank.name: _own_value(_features(manifest, bank), own, bad), **values}
    return Result({"rows": rows, "bads": int(bad.sum()), **lift.told(), "iv": values})


def _features(manifest: Manifest, party: Party) -> tuple[str, ...]:
    return features(party, settings(manifest).label)


def _own_value(names: Sequence[str], own: Block, bad: Floats) -> dict[str, list[float]]:
    sizes = [len(v.bins) for v in own.variables]
    shown = _indicators(own)
    count, bads = shown.sum(axis=0), bad @ shown
    return _named(names, information_values(count, bads, sizes))


def _indicators(own: Block) -> Floats:
    """(rows, all bins): 1 where a row lies in the bin."""
    columns = [np.eye(len(v.bins))[c] for v, c in zip(own.variables, own.codes, strict=True)]
    return np.hstack([np.empty((len(own.matrix), 0)), *columns])


def _named(names: Sequence[str], values: Floats) -> dict[str, list[float]]:
    return {n: [round(float(x), 6) for x in row] for n, row in zip(names, values, strict=True)}


def information_values(count: Floats, bads: Floats, sizes: Sequence[int]) -> Floats:
    """(columns, 3): IV and its 95 % bootstrap interval, from rows and bads (all bins,) of columns' bins."""
    found, start = [], 0
    for size in sizes:
        part = slice(start, start + size)
        found.append(_information_value(count[part], bads[part]))
        start += size
    return np.array(found).reshape(len(sizes), 3)


def _information_value(count: Floats, bads: Floats) -> list[float]:
    cells = np.concatenate([count - bads, bads])
    rows = round(float(cells.sum()))
    drawn = np.random.default_rng(0).multinomial(rows, cells / cells.sum(), SAMPLES).astype(np.float64)
    goods_bads = np.concatenate([cells[None], drawn]).reshape(SAMPLES + 1, 2, len(count))
    goods, bad = goods_bads[:, 0], goods_bads[:, 1]
    all_goods, all_bads = goods.sum(axis=1, keepdims=True), bad.sum(axis=1, keepdims=True)
    prior = all_bads / rows
    with np.errstate(divide="ignore", invalid="ignore"):
        woe = np.log((goods + SMOOTHING * (1 - prior)) / all_goods)
        woe -= np.log((bad + SMOOTHING * prior) / all_bads)
        iv = ((goods / all_goods - bad / all_bads) * woe).sum(axis=1)
    low, high = np.nanquantile(iv[1:], [0.025, 0.975])
    # drawn again, IV rises by what drawing once had raised it: the interval is turned about the figure
    return [float(iv[0]), max(float(2 * iv[0] - high), 0.0), float(2 * iv[0] - low)]


def _value(manifest: Manifest, party: Party, link: Link, trained: Trained) -> dict[str, list[float]] | None:
    """A member's side of the IV of ``party``'s columns; what it is, at the bank."""
    names, dealer = members(manifest), manifest.only("dealer").name
    own, rows = trained.rows.block, trained.plan.rows
    mine = _indicators(own).astype(np.uint64) if link.me == party.name else None
    bad = np.zeros(rows, np.uint64) if trained.rows.bad is None else trained.rows.bad.astype(np.uint64)
    if mine is not None:
        sizes = np.array([len(v.bins) for v in own.variables], np.uint64)
        for name in (*names, dealer):
            if name != link.me:
                link.send(name, "bins", pack({"values": sizes}))
    else:
        sizes = _sizes(manifest, party, link)
    held = trained.member.hold(party.name, (rows, int(sizes.sum())), mine)
    (bads,) = trained.member.products([(held, bad[:, None])], transposed=True)
    share = bads + zero(trained.stream, names, link.me, bads.shape)
    link.send(dealer, "bads", pack({"values": share}))
    if mine is not None:
        link.send(dealer, "count", pack({"values": mine.sum(axis=0)}))
    if trained.rows.bad is None:
        return None
    found = whole_array(link.receive(dealer, "values"), dealer, (len(sizes), 3), "<f8")
    return _named(_features(manifest, party), found)


def _deal_value(manifest: Manifest, party: Party, link: Link, dealer: Dealer, rows: int) -> None:
    names, sizes = members(manifest), _sizes(manifest, party, link)
    width = int(sizes.sum())
    held = dealer.hold(party.name, (rows, width))
    dealer.products([(held, 1)], transposed=True)
    bads = np.zeros((width, 1), np.uint64)
    for name in names:
        bads += whole_array(link.receive(name, "bads"), name, (width, 1))
    count = whole_array(link.receive(party.name, "count"), party.name, (width,))
    values = information_values(count.astype(np.float64), _counted(bads, count), sizes.tolist())
    link.send(names[0], "values", pack({"values": values}))


def _counted(bads: Ring, count: Ring) -> Floats:
    if (bads[:, 0] > count).any():
        fail("PRV-MESSAGE", "count", detail="bads")
    return bads[:, 0].astype(np.float64)


def _sizes(manifest: Manifest, party: Party, link: Link) -> NDArray[np.uint64]:
    """How many bins each column of ``party`` has."""
    columns = len(_features(manifest, party))
    sizes = whole_array(link.receive(party.name, "bins"), party.name, (columns,))
    if ((sizes < 1) | (sizes > BINS_AT_MOST + 1)).any():
        fail("PRV-MESSAGE", party.name, detail="bins")
    return sizes


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """See ``Kind``; measures are near the protocol's, IV equal to it."""
    found, bank = pooled(manifest, tables), manifest.only("bank").name
    values = {
        party.name: _own_value(_features(manifest, party), found.rows[party.name].block, found.bad)
        for party in manifest.having("holder")
    }
    told = {party.name: Result({"rows": len(found.bad)}) for party in manifest.parties}
    own = found.rows[bank].block
    return told | {bank: _result(manifest, len(found.bad), found.bad, found.lift, values, own)}


def check(manifest: Manifest) -> None:
    """See ``Kind``."""
    settings(manifest)
    dealt(manifest)


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """See ``Kind``."""
    told: dict[str, tuple[Text, ...]] = dict.fromkeys(members(manifest), (ALIGNED, WIDTHS, BINS))
    told[manifest.only("bank").name] = (ALIGNED, WIDTHS, BINS, VALUE)
    return told | {party.name: (DEALER, TABLES) for party in manifest.having("dealer")}


BINS = Text(
    zh="各方变量的分箱个数，不含取值与系数", en="how many bins columns have; no value, no coefficient"
)
VALUE = Text(
    zh="联合与单独评分在样本外的 AUC、KS 及其差的置信区间；每个变量的 IV",
    en="AUC and KS out of fold of the joint score and its own alone, their difference with an interval; each "
    "column's IV",
)
TABLES = Text(
    zh="数据方每个变量各分箱的行数与违约数，不知分箱界限",
    en="rows and bads in each bin of the holders' columns, not where bins begin",
)
KIND = Kind(
    name="data_value",
    version=1,
    title=Text(zh="数据价值评估", en="data value"),
    roles=(BANK, HOLDER, Role("dealer", THIRD, brings_data=False, receives=False, sees=True)),
    protocols=(DEALT,),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
