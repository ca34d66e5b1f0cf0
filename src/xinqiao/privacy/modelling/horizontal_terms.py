"""What banks with the same features agree on before they fit one scorecard, and who learns what, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.text import Text
from xinqiao.privacy.job.manifest import Manifest, Name, parameters, refuse
from xinqiao.privacy.protocol.masks import enough
from xinqiao.scoring.columns import Floats

CELLS_OF_SCORES = 512
WOE_DIGITS = 3
"""Decimals of WOE and of the bad share; with six, one or two pairs of counts fit a bin."""
STEP_DIGITS = 4
"""Decimals of coefficients, at each step and in the end."""
QUALITY_DIGITS = 4


class Terms(BaseModel):
    """The parameters of the kind ``horizontal``.

    ``target``: the column that is 1 for bad rows and 0 for good ones. ``ranges``: of each feature the range
    that its grid of ``cells`` covers; what lies beyond falls in the outermost cells. ``ridge``: strength k of
    the penalty k/2 sum b^2. ``smoothing``: rows of average risk added to each bin before its WOE is taken.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    target: Name
    ranges: dict[Name, tuple[float, float]] = Field(min_length=1, max_length=200)
    cells: int = Field(default=64, ge=2, le=1024)
    bins: int = Field(default=6, ge=2, le=32)
    ridge: float = Field(default=1.0, gt=0, le=1e6)
    smoothing: float = Field(default=2.0, ge=0.01, le=1000)
    steps: int = Field(default=25, ge=1, le=100)
    rows_at_least: int = Field(default=50, ge=1)
    digits: int = Field(default=0, ge=0, le=6)

    @property
    def features(self) -> list[str]:
        """In the order that all work in."""
        return sorted(self.ranges)

    def inner(self, name: str) -> Floats:
        """The boundaries between the cells of a feature."""
        low, high = self.ranges[name]
        return np.linspace(low, high, self.cells + 1)[1:-1]


def terms_of(manifest: Manifest) -> Terms:
    """The manifest's parameters. Raises UserError PRV-MANIFEST."""
    return parameters(Terms, manifest)


def banks(manifest: Manifest) -> tuple[str, ...]:
    """Who brings rows."""
    return tuple(party.name for party in manifest.having("bank"))


def lead_of(manifest: Manifest) -> str:
    """Who receives the sums."""
    return next((party.name for party in manifest.having("coordinator")), banks(manifest)[0])


def check(manifest: Manifest) -> None:
    """Refuse what would tell the lead one bank's sums. Raises UserError PRV-MANIFEST."""
    terms, held = terms_of(manifest), banks(manifest)
    wanted = {terms.target, *terms.ranges}
    inputs = [party.input for party in manifest.having("bank")]
    wrong = {
        "bank: at least three, or two and a coordinator": not enough(held, [lead_of(manifest)]),
        "columns: the target and the features at every bank": any(
            each is None or set(each.columns) != wanted for each in inputs
        ),
        "ranges: from low to high": any(not low < high for low, high in terms.ranges.values()),
        "target: not a feature": terms.target in terms.ranges,
    }
    refuse(manifest, wrong)


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """What each party learns, by name."""
    terms, held, lead = terms_of(manifest), banks(manifest), lead_of(manifest)
    model = MODEL.fill(woe=WOE_DIGITS, step=STEP_DIGITS, quality=QUALITY_DIGITS)
    path = PATH.fill(step=STEP_DIGITS)
    each = (model, path, REST) if len(held) > 2 else (model, path, REST, TWO)  # noqa: PLR2004 - a pair
    sums = SUMS.fill(cells=terms.cells, scores=CELLS_OF_SCORES)
    return {name: (model, path, sums) if name == lead else each for name in manifest.names}


MODEL = Text(
    zh="评分卡：各特征分箱边界（大致为全体行数的等分点）、各箱 WOE 与全体坏户占比（{woe} 位小数）、"
    "系数（{step} 位）与分数，以及全体样本内 AUC 与 KS（{quality} 位）",
    en="the scorecard: edges of bins (about where equal parts of all rows end), WOE of all bins and the bad "
    "share of all rows ({woe} decimals), coefficients ({step}) and points; AUC and KS on all rows fitted on "
    "({quality})",
)
PATH = Text(
    zh="每一步牛顿迭代的系数（{step} 位小数）", en="the coefficients at each Newton step ({step} decimals)"
)
REST = Text(
    zh="由上述四舍五入后的数可缩小全体各箱好坏户数的可能范围：行数多的箱仍有许多可能，行数少的箱可能只剩一种；"
    "合并各步系数后还能缩小多少，未证明上限",
    en="from these rounded numbers, a range for the goods and bads of all banks in each bin: wide where it "
    "has many rows, perhaps one value where few; how much the steps narrow it has no proven bound",
)
TWO = Text(
    zh="只有两家银行时，以上各项减去本方即为对方的：各箱好坏户数的同样范围，及各步合计梯度的部分信息",
    en="with two banks, less its own, the same of the other: a range for its goods and bads in each bin, "
    "and something of its summed slopes",
)
SUMS = Text(
    zh="全体合计：各特征网格 {cells} 格的行数，各箱好坏户数，每步的对数损失及其一、二阶导数，"
    "分数 {scores} 格的好坏户数；主持方若为银行，减去本方即为其余银行的合计",
    en="sums over all banks: rows in each of {cells} cells a feature, goods and bads a bin, log loss and its "
    "derivatives at each step, goods and bads in {scores} cells of the score; a bank that leads has, less "
    "its own, those of the other banks together",
)
