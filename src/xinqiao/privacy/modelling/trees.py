"""Boosted trees over a bank's and holders' features, by the bank's label: a model that stays in parts.

As SecureBoost (Cheng et al., IEEE Intelligent Systems 36(6), 2021): the bank grows the trees, holders sum
its secret gradients in the bins of their features (``modelling.bin_sums``), and a cut is known to its holder
alone. The bank grows the first tree by itself; no node has few rows, and groups of bins are joined until
neither sums nor their differences are of few (``bin_sums.Groups``). Trees are those of the plain way, bit
for bit (``modelling.tree_growth``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field as Bounded

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import aligned
from xinqiao.privacy.job.kind import Job, Kind, Result
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import Field, pack, unpack
from xinqiao.privacy.modelling.bin_sums import NOWHERE, ROOT, Asker, Bins, Long, Nodes, Sums
from xinqiao.privacy.modelling.bin_sums_dealer import deal
from xinqiao.privacy.modelling.label_features import (
    Floats,
    LabelParams,
    asker,
    binned,
    columns_of,
    data_holders,
    joined_plain,
    label_of,
    read_params,
    teller,
)
from xinqiao.privacy.modelling.tree_growth import Boosted, Cut, Cuts, Flags, Local, Shape, boost
from xinqiao.privacy.modelling.tree_part import TreePart
from xinqiao.privacy.modelling.woe import BANK, DEALER, DEALT, HOLDER, OKAMOTO, PAILLIER
from xinqiao.scoring.card import Variable
from xinqiao.scoring.metrics import auc, bootstrap_auc, ks

END, TREE, LEVEL = 0, 1, 2
SAMPLES, SEED = 400, 20260630
DIGITS = 6
DEPTH_MOST = 6
"""A level then has 32 nodes at most, whose numbers fit a byte."""


class TreeParams(LabelParams):
    """How trees grow, and the share of rows they are tested on."""

    trees: int = Bounded(default=20, ge=1, le=500, strict=True)
    depth: int = Bounded(default=4, ge=1, le=DEPTH_MOST, strict=True)
    rate: float = Bounded(default=0.3, gt=0, le=1)
    ridge: float = Bounded(default=1.0, ge=0.01, le=1000)
    test_share: float = Bounded(default=0.2, ge=0, le=0.5)

    @property
    def shape(self) -> Shape:
        """What growth reads."""
        return Shape(trees=self.trees, depth=self.depth, rate=self.rate, ridge=self.ridge, least=self.least)


def check(manifest: Manifest) -> None:
    """See Kind."""
    read_params(TreeParams, manifest)


class Remote:
    """All holders' features, as the bank sees them over the link."""

    def __init__(self, link: Link, names: Sequence[str], ask: Asker) -> None:
        self.names = tuple(names)
        self._link, self._ask = link, ask
        self._nodes = Nodes(np.zeros(0, np.uint8), ())

    def offer(self, values: Long) -> None:
        """See Parties."""
        self._step(TREE)
        self._ask.offer(values)

    def sums(self, nodes: Nodes) -> Mapping[str, Sequence[Sums]]:
        """See Parties."""
        self._nodes = nodes
        self._step(LEVEL, place=nodes.place, parents=np.array(nodes.parents, np.int64))
        return self._ask.ask(nodes)

    def cut(self, cuts: Mapping[str, Sequence[Cut]]) -> Mapping[str, Sequence[Flags]]:
        """See Parties."""
        for name in self.names:
            chosen = np.array(cuts[name], np.int64).reshape(-1, 3)
            self._link.send(name, "trees.cuts", pack({"cuts": chosen}))
        return {name: self._sides(name, cuts[name]) for name in self.names}

    def end(self) -> None:
        """Tell all that no more trees grow."""
        self._step(END)
        self._ask.end()

    def _sides(self, name: str, cuts: Sequence[Cut]) -> list[Flags]:
        sizes = [len(self._nodes.rows(cut.node)) for cut in cuts]
        told = unpack(self._link.receive(name, "trees.sides"), name, sides=np.ndarray)["sides"]
        if told.dtype != np.uint8 or told.shape != (-(-sum(sizes) // 8),):
            fail("PRV-MESSAGE", name, detail="sides")
        sides = np.unpackbits(told, count=sum(sizes)).astype(np.bool_)
        return np.split(sides, np.cumsum(sizes)[:-1]) if sizes else []

    def _step(self, step: int, **fields: np.ndarray[Any, Any]) -> None:
        told: dict[str, Field] = {"step": step, "place": np.zeros(0, np.uint8)}
        told["parents"] = np.zeros(0, np.int64)
        payload = pack(told | fields)
        for name in self.names:
            self._link.send(name, "trees.step", payload)


def run(job: Job, link: Link) -> Result:
    """See Kind."""
    manifest, params = job.manifest, read_params(TreeParams, job.manifest)
    holders = [party.name for party in manifest.having("holder")]
    bank = manifest.only("bank").name
    if job.me.role == "dealer":
        deal(link, bank, holders)
        return Result()
    table = aligned(job, link, data_holders(manifest))
    variables, bins = _features(manifest, table, job.me.name, params)
    if job.me.role == "holder":
        cuts = _hold(job, link, bins, params)
        _save(job, variables, cuts, None)
        return _told(table.num_rows, len(cuts.kept))
    label, train = labelled(manifest, table, params)
    remote = Remote(link, holders, asker(job, link, table.num_rows))
    own = Local(bank, bins, params.least)
    boosted = boost(label, train, [own, remote], params.shape, job.progress)
    remote.end()
    _save(job, variables, own.cuts, boosted)
    return _result(manifest, table, params, bins, boosted)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """See Kind."""
    params, rows = read_params(TreeParams, manifest), joined_plain(manifest, tables)
    bank, holders = manifest.only("bank").name, [party.name for party in manifest.having("holder")]
    names = [bank, *holders]
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
    if table.num_rows < 2 * params.least:
        fail("PRV-LABEL-ROWS", name, rows=table.num_rows, least=2 * params.least)
    columns = columns_of(manifest.party(name))
    if name == manifest.only("bank").name:
        columns = tuple(column for column in columns if column != params.label)
    variables, bins = binned(table, columns, params.bins)
    return variables, replace(bins, counted=_trained(manifest, table, params))


def labelled(manifest: Manifest, table: pa.Table, params: TreeParams) -> tuple[Floats, Flags]:
    """The label, and which rows trees grow on: drawn by a hash of job and key, whatever the rows' order."""
    label = label_of(table, params.label, manifest.only("bank").name)
    train = _trained(manifest, table, params)
    if len(np.unique(label[train])) != 2:  # noqa: PLR2004 - good and bad
        fail("PRV-LABEL", manifest.only("bank").name, column=params.label)
    return label, train


def _trained(manifest: Manifest, table: pa.Table, params: TreeParams) -> Flags:
    return np.array([drawn >= params.test_share for drawn in _drawn(manifest, table)], np.bool_)


def _drawn(manifest: Manifest, table: pa.Table) -> list[float]:
    """A number in 0..1 for each row."""
    keys = table.column(0).cast(pa.string()).to_pylist()
    hashed = (hashlib.sha256(manifest.job.bytes + str(key).encode()).digest() for key in keys)
    return [int.from_bytes(digest[:8], "big") / 2**64 for digest in hashed]


def _hold(job: Job, link: Link, bins: Bins, params: TreeParams) -> Cuts:
    """A holder's part in growing; its cuts."""
    bank, cuts = job.manifest.only("bank").name, Cuts(bins)
    side, before, grown = teller(job, link, bins), Nodes(np.zeros(0, np.uint8), ()), 0
    while True:
        told = unpack(link.receive(bank, "trees.step"), bank, step=int, place=np.ndarray, parents=np.ndarray)
        if told["step"] == END:
            return cuts
        if told["step"] == TREE:
            side.take()
            grown, before = grown + 1, Nodes(np.zeros(0, np.uint8), ())
            job.progress(min(1.0, grown / params.trees))
            continue
        nodes = checked(_nodes(told, bank, len(bins.codes)), before, bank, params.least)
        firsts = side.tell(nodes, params.least)
        chosen = unpack(link.receive(bank, "trees.cuts"), bank, cuts=np.ndarray)["cuts"]
        sides = _cut(cuts, nodes, firsts, chosen, bank)
        link.send(bank, "trees.sides", pack({"sides": np.packbits(sides)}))
        before = nodes


def _nodes(told: Mapping[str, Any], bank: str, rows: int) -> Nodes:
    place, parents = told["place"], told["parents"]
    fits = place.dtype == np.uint8 and place.shape == (rows,) and parents.dtype == np.int64
    if not fits or parents.ndim != 1 or not 0 < len(parents) <= 1 << (DEPTH_MOST - 1):
        fail("PRV-MESSAGE", bank, detail="nodes")
    return Nodes(place, tuple(parents.tolist()))


def checked(nodes: Nodes, before: Nodes, bank: str, least: int) -> Nodes:
    """What ``bank`` asks for after ``before``: nodes of enough rows, siblings that part their parent.

    Raises UserError PRV-MESSAGE for anything else: sums of few rows would tell of single ones.
    """
    sizes, count = np.bincount(nodes.place, minlength=NOWHERE + 1), len(nodes.parents)
    if sizes[:count].min() < 2 * least or sizes[count:NOWHERE].any():
        fail("PRV-MESSAGE", bank, detail="rows of nodes")
    for node, parent in enumerate(nodes.parents):
        above = before.place[nodes.place == node] if before.parents else ROOT
        within = 0 <= parent < len(before.parents) if before.parents else parent == ROOT
        if not within or not np.all(above == parent):
            fail("PRV-MESSAGE", bank, detail="parents of nodes")
    for node, sibling in nodes.worked():
        both = np.sum((nodes.place == node) | (nodes.place == sibling))
        if sibling is not None and both != np.sum(before.place == nodes.parents[node]):
            fail("PRV-MESSAGE", bank, detail="siblings")
    return nodes


def _cut(
    cuts: Cuts, nodes: Nodes, firsts: Sequence[Long], chosen: np.ndarray[Any, Any], bank: str
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows go right, of all chosen cuts one after the other."""
    if chosen.dtype != np.int64 or chosen.ndim != 2 or chosen.shape[1] != len(Cut._fields):  # noqa: PLR2004 - rows of a cut each
        fail("PRV-MESSAGE", bank, detail="cuts")
    if len(set(chosen[:, 0].tolist())) != len(chosen):
        fail("PRV-MESSAGE", bank, detail="cuts")
    try:
        sides = [cuts.make(nodes, firsts, Cut(*row)) for row in chosen.tolist()]
    except (IndexError, ValueError):
        fail("PRV-MESSAGE", bank, detail="cuts")
    return np.concatenate([np.zeros(0, np.bool_), *sides])


def _save(job: Job, variables: tuple[Variable, ...], cuts: Cuts, boosted: Boosted | None) -> None:
    part = TreePart(
        model=job.manifest.digest,
        party=job.me.name,
        parties=data_holders(job.manifest),
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
        "cuts": {party: cuts.count(party) for party in data_holders(manifest)},
    }
    return Result(told)


def measured(odds: Floats, bad: Floats) -> dict[str, float] | None:
    """AUC with its 95 % interval (bootstrap), and KS; None where a class is missing."""
    if len(np.unique(bad)) != 2:  # noqa: PLR2004 - good and bad
        return None
    low, high = bootstrap_auc(odds[None], bad, SAMPLES, SEED)
    found = {"auc": auc(odds, bad), "auc_low": low, "auc_high": high, "ks": ks(odds, bad)}
    return {name: round(value, DIGITS) for name, value in found.items()}


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """See Kind."""
    dealt = bool(manifest.having("dealer"))
    common = Text(
        zh="各方共有的标识，以及其他各方的行数", en="the common ids, and the numbers of rows of the others"
    )
    holder = (
        common,
        Text(
            zh="第二棵树起，哪些行同在一个节点（与标签有关，第一棵树由银行独自生长以减弱这种关系）",
            en="from the second tree on, which rows share a node (this follows the label, though the first"
            " tree is the bank's alone)",
        ),
        Text(
            zh="自己的哪些切分被采用；不知叶值与梯度",
            en="which of its own cuts are used; no leaf's value, no gradient",
        ),
    )
    told: dict[str, tuple[Text, ...]] = {party.name: holder for party in manifest.having("holder")}
    told[manifest.only("bank").name] = (common, *_bank_learns(dealt=dealt))
    size = Text(
        zh="行数、特征数、箱数、每层节点数；不知标识、标签与取值",
        en="numbers of rows, features, bins and nodes a level; no id, label or value",
    )
    return told | {party.name: (size,) for party in manifest.having("dealer")}


def _bank_learns(*, dealt: bool) -> tuple[Text, ...]:
    sums = Text(
        zh="每个节点及其兄弟节点（无论是否询问）中，每个特征各组箱（按顺序，不知取值范围）的梯度和、二阶梯度和"
        "与组数；节点与其兄弟在每组中或没有训练行，或不少于约定行数，不能如此分组的特征只作一组",
        en="in each node and in its sibling, asked for or not, for each feature, the sums of gradients and of"
        " Hessians in each group of bins (in order, ranges unknown), and the number of groups; of either"
        " node's training rows a group has none or at least the agreed number, and a feature that can't be"
        " parted so is one group",
    )
    search = Text(
        zh="银行知道每行的梯度，故即使诚实，也可由和推断个别行所在的组：梯度取值种类少时，可知组内每种取值的"
        "行数，取值独有的行即被认出；行数少而取值各异时，可由子集和搜索认出各行",
        en="a bank knows each row's gradient; so an honest one too may infer the groups of single rows from"
        " sums: of few distinct values, a sum tells how many rows have each, which names a row whose value"
        " no other has; of few rows whose values differ, a search for the subset with that sum may name them",
    )
    sides = Text(
        zh="每个被采用的切分属于哪个特征，该节点的行各在哪一侧",
        en="of each cut that is used, the feature it is of and on which side of it the node's rows are",
    )
    lie = Text(
        zh="若梯度造假，必可得知个别行所在的组；由次数预算约束",
        en="a bank that lies about gradients learns the groups of single rows for sure; bounded by the budget"
        " of runs",
    )
    which = Text(
        zh="哪些相邻的箱因该节点或其兄弟节点的行数少而合并",
        en="which neighbouring bins were joined because they hold few rows of the node or of its sibling",
    )
    return (sums, search, sides, lie, which) if dealt else (sums, search, sides, lie)


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
