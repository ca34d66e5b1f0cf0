"""What the parties of joint trees agree on, and who learns what, in words."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import ALIGNED
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling.bin_sums_terms import SIZES
from xinqiao.privacy.modelling.label_features import LabelParams
from xinqiao.privacy.modelling.parties import holders
from xinqiao.privacy.modelling.tree_growth import Shape

DEPTH_MOST = 6
"""A level then has 32 nodes at most, whose numbers fit a byte."""


class TreeParams(LabelParams):
    """How trees grow, and the share of rows they are tested on."""

    trees: int = Field(default=20, ge=1, le=500)
    depth: int = Field(default=4, ge=1, le=DEPTH_MOST)
    rate: float = Field(default=0.3, gt=0, le=1)
    ridge: float = Field(default=1.0, ge=0.01, le=1000)
    test_share: float = Field(default=0.2, ge=0, le=0.5)

    @property
    def shape(self) -> Shape:
        """What growth reads."""
        return Shape(trees=self.trees, depth=self.depth, rate=self.rate, ridge=self.ridge, least=self.least)


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """See Kind."""
    dealt = bool(manifest.having("dealer"))
    holder = (
        ALIGNED,
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
    told: dict[str, tuple[Text, ...]] = dict.fromkeys(holders(manifest), holder)
    told[manifest.only("bank").name] = (ALIGNED, *_bank_learns(dealt=dealt))
    return told | {party.name: (SIZES,) for party in manifest.having("dealer")}


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
    measures = Text(
        zh="各树的叶值；测试行上联合与单独提升树的 AUC、KS 及置信区间",
        en="the trees' leaves; AUC and KS with intervals of the joint trees and its own alone, on test rows",
    )
    return (measures, sums, search, sides, lie, *([which] if dealt else []))
