"""Words of the pages that a company's owner may not know, explained in one sentence each."""

from __future__ import annotations

from xinqiao.kernel.text import Text

TERMS: tuple[tuple[Text, Text], ...] = (
    (
        Text(zh="评分", en="points"),
        Text(
            zh="由各项指标的得分相加而成；分数越高，违约的可能越小。",
            en="The sum of the points of all indicators; the higher, the less likely a default.",
        ),
    ),
    (
        Text(zh="等级", en="grade"),
        Text(
            zh="按违约概率划分的档次，R1 最好，R10 最弱，D 为已违约。",
            en="A class of default probability: R1 is best, R10 weakest, D is in default.",
        ),
    ),
    (
        Text(zh="违约概率（PD）", en="probability of default (PD)"),
        Text(
            zh="与本企业类似的企业中，预计会违约的比例；它说的是一类企业，不是断言本企业会违约。",
            en="The share of similar firms expected to default; a class of firms is meant, not this one.",
        ),
    ),
    (
        Text(zh="同类中位数", en="peer median"),
        Text(
            zh="把同类企业按该指标从低到高排列，正中间那家的数值。",
            en="The value of the firm in the middle when peers are put in order of that indicator.",
        ),
    ),
    (
        Text(zh="截至日", en="as-of date"),
        Text(
            zh="只使用这一天及以前已经知道的信息。",
            en="Only what was known on or before this day is used.",
        ),
    ),
    (
        Text(zh="作废与红冲", en="void and red-letter invoices"),
        Text(
            zh="作废是开错后当月取消的发票；红冲是用负数发票抵减以前的发票。",
            en="A void invoice was cancelled; a red-letter one is negative and takes back an earlier one.",
        ),
    ),
    (
        Text(zh="缺失", en="missing"),
        Text(
            zh="没有数据可以计算，不等于零；缺失怎样处理由政策写明。",
            en="There is no data to compute it from; it does not mean zero. The policy states what follows.",
        ),
    ),
    (
        Text(zh="额度与年利率", en="limit and yearly rate"),
        Text(
            zh="额度是最多可借的金额；年利率按年计算，实际以合同为准。",
            en="The limit is the most that can be borrowed; the rate is per year; the contract binds.",
        ),
    ),
)
