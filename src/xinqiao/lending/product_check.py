"""What is wrong with a product beside its policy: every fault with its place, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from xinqiao.kernel.document import Path
from xinqiao.kernel.text import Text
from xinqiao.lending.ceiling import ceiling
from xinqiao.lending.component import library
from xinqiao.lending.cost import COST_CEILING, dearest
from xinqiao.lending.lpr import lpr_table
from xinqiao.lending.product_format import Collateral, ProductFile
from xinqiao.portrait.credit_file import LEADS, SCORE
from xinqiao.source.holder import sources

Fault = tuple[Path, Text]
REVIEW_MONTHS = 12
"""A loan that runs longer is judged again at least this often."""
LONGEST_MONTHS = 360
ASKED_OF = {"guarantee_company": "guarantee_letter", "government_fund": "guarantee_letter"}
"""The paper by which a guarantor binds itself, where it is another institution."""


def product_faults(file: ProductFile) -> Iterator[Fault]:
    """Every fault of a product whose shape is right, but those of its policy."""
    found = [*_terms(file), *_repayment(file), *_security(file), *_trade(file), *_names(file)]
    found += _authority(file)
    yield from found
    if not found:  # what a loan costs is worked out for sound terms only
        yield from _cost(file)


def some_day(file: ProductFile) -> date:
    """The first day the product is on offer and a loan prime rate is known."""
    return max(file.effective.from_, lpr_table()[0].published)


def _say(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


def _terms(file: ProductFile) -> Iterator[Fault]:
    tenor, span = file.tenor, file.effective
    if span.to is not None and span.to < span.from_:
        yield ("effective", "to"), _say("结束日早于开始日", "ends before it begins")
    if tenor.usual not in tenor.months:
        yield (
            ("tenor", "usual"),
            _say(
                f"{tenor.usual} 不在可选期限 {list(tenor.months)} 中",
                f"{tenor.usual} is not among {list(tenor.months)}",
            ),
        )
    if not all(0 < months <= LONGEST_MONTHS for months in tenor.months):
        yield ("tenor", "months"), _say("期限为 1 至 360 个月", "terms are 1 to 360 months")
    if max(tenor.months) > REVIEW_MONTHS < tenor.review_months:
        yield (
            ("tenor", "review_months"),
            _say(
                "超过 12 个月的贷款至少每年重评一次",
                "a loan of more than 12 months is judged again every year",
            ),
        )
    if file.drawdown.kind == "tranches" and file.drawdown.most_tranches < 2:  # noqa: PLR2004 - one is no tranche
        yield ("drawdown", "most_tranches"), _say("分次提款至少两次", "tranches are two or more")
    if file.limit.min > file.limit.max:
        yield ("limit", "min"), _say("起点高于上限", "the least is above the most")
    if file.pricing.min > file.pricing.max:
        yield ("pricing", "min"), _say("最低利率高于最高利率", "the least rate is above the greatest")
    firm, group = file.caps.firm_cny, file.caps.group_cny
    if firm is not None and group is not None and group < firm:
        yield (
            ("caps", "group_cny"),
            _say("集团限额低于单户限额", "the cap of a group is below that of one firm"),
        )


def _repayment(file: ProductFile) -> Iterator[Fault]:
    repayment, least = file.repayment, min(file.tenor.months)
    if "seasonal" in repayment.ways and sum(repayment.season.values()) != 1:
        yield (
            ("repayment", "season"),
            _say("各月还本比例合计应为 100%", "shares of the principal by month sum to 1"),
        )
    months = {str(month) for month in range(1, 13)}
    if set(repayment.season) - months:
        yield ("repayment", "season"), _say("月份为 1 至 12", "months are 1 to 12")
    if repayment.grace_months >= least:
        yield (
            ("repayment", "grace_months"),
            _say(f"宽限期须短于最短期限 {least} 个月", f"shorter than the shortest term, {least} months"),
        )
    if repayment.interest_grace_months > repayment.grace_months:
        yield (
            ("repayment", "interest_grace_months"),
            _say("不超过本金宽限期", "no longer than the grace on principal"),
        )
    if set(repayment.allocation) != {"penalty", "interest", "fee", "principal"}:
        yield (
            ("repayment", "allocation"),
            _say("罚息、利息、费用、本金各一次", "penalty, interest, fee and principal, each once"),
        )
    if file.pricing.reset == "anniversary" and max(file.tenor.months) <= REVIEW_MONTHS:
        yield (
            ("pricing", "reset"),
            _say("期限不超过 12 个月，没有可重定价的周年日", "no term is long enough for an anniversary"),
        )


def _security(file: ProductFile) -> Iterator[Fault]:
    if file.class_ == "collateral" and file.collateral is None:
        yield ("class",), _say("抵押类产品须写明押品", "a collateral loan names its collateral")
    if file.class_ == "guarantee" and file.guarantee is None:
        yield ("class",), _say("担保类产品须写明担保人", "a guaranteed loan names its guarantor")
    if file.class_ == "credit" and file.collateral is not None:
        yield ("collateral",), _say("信用类产品没有押品", "a credit loan has no collateral")
    if file.collateral is not None:
        yield from _pledges(file.collateral)
    guarantee = file.guarantee
    if guarantee is not None and not 0 < guarantee.share <= 1:
        yield ("guarantee", "share"), _say("担保比例在 0 与 100% 之间", "a share between 0 and 1")
    paper = None if guarantee is None else ASKED_OF.get(guarantee.by)
    if paper is not None and paper not in file.documents:
        yield (
            ("documents",),
            _say(
                f"担保类须收取{library().documents[paper].zh}",
                f"the guarantor's paper is asked for: {library().documents[paper].en}",
            ),
        )


def _pledges(collateral: Collateral) -> Iterator[Fault]:
    for i, pledge in enumerate(collateral.kinds):
        if not 0 <= pledge.haircut < 1:
            yield (
                ("collateral", "kinds", i, "haircut"),
                _say("折扣率在 0 与 1 之间", "a haircut from 0 to below 1"),
            )
    if collateral.coverage <= 0:
        yield ("collateral", "coverage"), _say("覆盖倍数大于 0", "a coverage above 0")
    if collateral.revalue_months < 1:
        yield ("collateral", "revalue_months"), _say("至少一个月", "at least a month")


def _trade(file: ProductFile) -> Iterator[Fault]:
    chain = file.chain
    if file.class_ == "supply_chain" and chain is None:
        yield (
            ("class",),
            _say("供应链类产品须写明所依托的贸易", "a supply chain loan names the trade it stands on"),
        )
    if chain is None:
        return
    if not 0 < chain.advance <= 1:
        yield ("chain", "advance"), _say("融资比例在 0 与 100% 之间", "an advance between 0 and 1")


def _names(file: ProductFile) -> Iterator[Fault]:
    shared, known = library(), {*sources(), SCORE, LEADS}
    told = [
        (("data", "needs"), file.data.needs, known, _say("数据集", "data set")),
        (("data", "helps"), file.data.helps, known, _say("数据集", "data set")),
        (("documents",), file.documents, shared.documents, _say("材料", "document of the catalog")),
        (("flow", "steps"), file.flow.steps, shared.steps, _say("步骤", "step of the catalog")),
        (("use", "allowed"), file.use.allowed, shared.purposes, _say("资金用途", "purpose of the catalog")),
        (
            ("use", "forbidden"),
            file.use.forbidden,
            shared.purposes,
            _say("资金用途", "purpose of the catalog"),
        ),
    ]
    for path, names, allowed, kind in told:
        for name in names:
            if name not in allowed:
                yield path, _say(f"没有这种{kind.zh}：{name}", f"{name} is no {kind.en}")
    for name in set(file.use.allowed) & set(file.use.forbidden):
        yield ("use", "forbidden"), _say(f"{name} 既允许又禁止", f"{name} is allowed and forbidden")


def _authority(file: ProductFile) -> Iterator[Fault]:
    ladder = [(each.limit_cny, -each.rate_min) for each in file.authority]
    if ladder != sorted(ladder) or ladder[-1][0] < file.limit.max:
        yield (
            ("authority",),
            _say(
                "权限逐级放宽（额度升、利率降），最后一级覆盖最高额度",
                "limits rise, rates fall, and the last covers the greatest limit",
            ),
        )


def _cost(file: ProductFile) -> Iterator[Fault]:
    most, way, months = dearest(file)
    if most > COST_CEILING:
        yield (
            ("pricing", "max"),
            _say(
                f"综合年化成本最高 {most:.2%}（{way}，{months} 个月），超过 {COST_CEILING:.0%}",
                f"all-in cost up to {most:.2%} a year ({way}, {months} months), above {COST_CEILING:.0%}",
            ),
        )
    bound = ceiling(file.lender_type, some_day(file))
    if bound is not None and most > bound:
        yield (
            ("pricing", "max"),
            _say(
                f"民间借贷成本合计最高 {most:.2%}，超过一年期 LPR 的四倍 {bound:.2%}",
                f"a private loan costs up to {most:.2%}, above four times the one-year LPR, {bound:.2%}",
            ),
        )
