"""Boosted trees over a bank's and holders' features, by the bank's label: a model that stays in parts.

As SecureBoost (Cheng et al., IEEE Intelligent Systems 36(6), 2021): the bank grows the trees, holders sum
its secret gradients in the bins of their features (``modelling.bin_sums``), and a cut is known to its holder
alone. The bank grows the first tree by itself; no node has few rows, and groups of bins are joined until
neither sums nor their differences are of few (``bin_sums.Groups``). Trees are those of the plain way, bit
for bit (``modelling.tree_growth``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import keys_of
from xinqiao.privacy.job.kind import Job, Kind, Result
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling.bin_sums import Bins
from xinqiao.privacy.modelling.bin_sums_terms import BANK, DEALER, DEALT, HOLDER, OKAMOTO, PAILLIER
from xinqiao.privacy.modelling.columns import labels
from xinqiao.privacy.modelling.label_features import asker, binned, check_rows, common_rows, joined_plain
from xinqiao.privacy.modelling.parties import features, holders, members, read_params
from xinqiao.privacy.modelling.tree_growth import Boosted, Cuts, Flags, Local, boost
from xinqiao.privacy.modelling.tree_link import Remote, hold
from xinqiao.privacy.modelling.tree_part import TreePart
from xinqiao.privacy.modelling.tree_terms import TreeParams, learns
from xinqiao.scoring.card import Variable
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.metrics import auc, bootstrap_auc, ks

SAMPLES, SEED = 400, 20260630
DIGITS = 6


def check(manifest: Manifest) -> None:
    """See Kind."""
    read_params(TreeParams, manifest)


def run(job: Job, link: Link) -> Result:
    """See Kind."""
    manifest, params = job.manifest, read_params(TreeParams, job.manifest)
    table = common_rows(job, link)
    if table is None:
        return Result()
    variables, bins = _features(manifest, table, job.me.name, params)
    if job.me.role == "holder":
        cuts = hold(job, link, bins, params)
        _save(job, variables, cuts, None)
        return _told(table.num_rows, len(cuts.kept))
    label, train = labelled(manifest, table, params)
    remote = Remote(link, holders(manifest), asker(job, link, table.num_rows))
    own = Local(job.me.name, bins, params.least)
    boosted = boost(label, train, [own, remote], params.shape, job.progress)
    remote.end()
    _save(job, variables, own.cuts, boosted)
    return _result(manifest, table, params, bins, boosted)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """See Kind."""
    params, names = read_params(TreeParams, manifest), members(manifest)
    bank, rows = names[0], joined_plain(manifest, tables)
    bins = {name: _features(manifest, rows[name], name, params)[1] for name in names}
    label, train = labelled(manifest, rows[bank], params)
    sides = [Local(name, bins[name], params.least) for name in names]
    boosted = boost(label, train, sides, params.shape)
    told = {s.names[0]: _told(len(label), len(s.cuts.kept)) for s in sides[1:]}
    told[bank] = _result(manifest, rows[bank], params, bins[bank], boosted)
    return told | {party.name: Result() for party in manifest.having("dealer")}


def _features(
    manifest: Manifest, table: pa.Table, name: str, params: TreeParams
) -> tuple[tuple[Variable, ...], Bins]:
    """A party's features, of which the rows to learn from count.

    Raises UserError PRV-LABEL-ROWS where too few rows are in common.
    """
    check_rows(table, 2 * params.least, name)
    variables, bins = binned(table, features(manifest.party(name), params.label), params.bins)
    return variables, replace(bins, counted=_trained(manifest, table, params))


def labelled(manifest: Manifest, table: pa.Table, params: TreeParams) -> tuple[Floats, Flags]:
    """The label, and which rows trees grow on: drawn by a hash of job and key, whatever the rows' order."""
    label = labels(table, params.label)
    train = _trained(manifest, table, params)
    if len(np.unique(label[train])) != 2:  # noqa: PLR2004 - good and bad
        fail("PRV-LABEL", manifest.only("bank").name, column=params.label)
    return label, train


def _trained(manifest: Manifest, table: pa.Table, params: TreeParams) -> Flags:
    return np.array([drawn >= params.test_share for drawn in _drawn(manifest, table)], np.bool_)


def _drawn(manifest: Manifest, table: pa.Table) -> list[float]:
    """A number in 0..1 for each row."""
    hashed = (hashlib.sha256(manifest.job.bytes + key.encode()).digest() for key in keys_of(table))
    return [int.from_bytes(digest[:8], "big") / 2**64 for digest in hashed]


def _save(job: Job, variables: tuple[Variable, ...], cuts: Cuts, boosted: Boosted | None) -> None:
    part = TreePart(
        model=job.manifest.digest,
        party=job.me.name,
        parties=members(job.manifest),
        variables=variables,
        cuts=tuple(cuts.kept),
        base=boosted.base if boosted else 0.0,
        trees=tuple(tuple(tree) for tree in boosted.trees) if boosted else (),
    )
    part.save(job.state)


def _told(rows: int, cuts: int) -> Result:
    """What a holder learns."""
    return Result({"rows": rows, "cuts": cuts})


def _result(manifest: Manifest, table: pa.Table, params: TreeParams, bins: Bins, boosted: Boosted) -> Result:
    """What the bank learns: how well the joint trees and its own alone tell bad from good on test rows."""
    label, train = labelled(manifest, table, params)
    name = manifest.only("bank").name
    alone = boost(label, train, [Local(name, bins, params.least)], params.shape)
    order = np.argsort(_drawn(manifest, table))
    test = order[~train[order]]
    cuts = [node.party for tree in boosted.trees for node in tree if node.party]
    told = {
        "model": manifest.digest,
        "rows": len(label),
        "bads": int(label.sum()),
        "test_rows": len(test),
        "joint": measured(boosted.odds[test], label[test]),
        "alone": measured(alone.odds[test], label[test]),
        "cuts": {party: cuts.count(party) for party in members(manifest)},
    }
    return Result(told)


def measured(odds: Floats, bad: Floats) -> dict[str, float] | None:
    """AUC with its 95 % interval (bootstrap), and KS; None where a class is missing."""
    if len(np.unique(bad)) != 2:  # noqa: PLR2004 - good and bad
        return None
    low, high = bootstrap_auc(odds[None], bad, SAMPLES, SEED)
    found = {"auc": auc(odds, bad), "auc_low": low, "auc_high": high, "ks": ks(odds, bad)}
    return {name: round(value, DIGITS) for name, value in found.items()}


KIND = Kind(
    name="trees",
    version=1,
    title=Text(zh="联合提升树", en="Boosted trees in parts"),
    roles=(BANK, HOLDER, DEALER),
    protocols=(PAILLIER, OKAMOTO, DEALT),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
