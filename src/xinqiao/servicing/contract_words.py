"""Words of contracts: what classes, ways, charges and securities are called in them."""

from __future__ import annotations

from xinqiao.kernel.text import Text

CLASSES = {
    "credit": Text(zh="信用借款合同", en="Unsecured loan contract"),
    "collateral": Text(zh="抵质押借款合同", en="Loan contract with collateral"),
    "supply_chain": Text(zh="供应链融资借款合同", en="Supply chain loan contract"),
    "guarantee": Text(zh="保证借款合同", en="Guaranteed loan contract"),
}
WAYS = {
    "equal_instalment": Text(zh="等额本息", en="equal instalments"),
    "equal_principal": Text(zh="等额本金", en="equal principal"),
    "interest_only_then_bullet": Text(zh="按期付息、到期还本", en="interest first, principal at the end"),
    "bullet": Text(zh="到期一次还本付息", en="all at the end"),
    "flat": Text(zh="等本等息", en="flat interest"),
    "seasonal": Text(zh="按季节还款", en="by the season"),
}
DRAWDOWNS = {
    "single": Text(zh="一次提款", en="once"),
    "revolving": Text(zh="循环提款（随借随还）", en="revolving"),
    "tranches": Text(zh="分次提款", en="in tranches"),
}
DAY_COUNTS = {
    "ACT/360": Text(zh="日利率 = 年利率 ÷ 360，按实际天数计息", en="actual days over 360"),
    "ACT/365F": Text(zh="日利率 = 年利率 ÷ 365，按实际天数计息", en="actual days over 365"),
    "ACT/ACT": Text(zh="按当年实际天数计息", en="actual days over the days of the year"),
    "30/360": Text(zh="每月按 30 天、每年按 360 天计息", en="30 days a month over 360"),
}
FEE_KINDS = {
    "upfront": Text(zh="提款时按提款金额一次收取", en="once, of what is drawn"),
    "monthly": Text(zh="按月，以原始本金计", en="monthly, of the original sum"),
    "yearly": Text(zh="按年，以原始本金计", en="yearly, of the original sum"),
    "fixed": Text(zh="一次性定额", en="a fixed sum, once"),
}
WHO = {
    "lender": Text(zh="贷款人", en="lender"),
    "guarantor": Text(zh="担保人", en="guarantor"),
    "third_party": Text(zh="第三方", en="third party"),
}
PLEDGES = {
    "home": Text(zh="住宅", en="home"),
    "premises": Text(zh="经营用房", en="premises"),
    "land": Text(zh="土地使用权", en="land"),
    "equipment": Text(zh="机器设备", en="equipment"),
    "inventory": Text(zh="存货", en="inventory"),
    "receivable": Text(zh="应收账款", en="receivables"),
    "patent": Text(zh="专利权", en="patents"),
    "warehouse_receipt": Text(zh="仓单", en="warehouse receipts"),
    "deposit": Text(zh="存单或保证金", en="deposits"),
    "vehicle": Text(zh="车辆", en="vehicles"),
    "livestock": Text(zh="活体畜禽", en="livestock"),
}
GUARANTORS = {
    "guarantee_company": Text(zh="融资担保公司", en="a guarantee company"),
    "owner": Text(zh="企业主", en="the owner"),
    "core_firm": Text(zh="核心企业", en="the core firm"),
    "insurer": Text(zh="保险公司", en="an insurer"),
    "government_fund": Text(zh="政府性融资担保基金", en="a government fund"),
}
TRADES = {
    "receivable": Text(zh="应收账款", en="receivable"),
    "order": Text(zh="订单", en="order"),
    "award": Text(zh="中标项目", en="award"),
    "purchase": Text(zh="采购", en="purchase"),
}
REPAID_EARLY = {
    "shorter": Text(zh="缩短还款期数，每期金额不变", en="fewer instalments"),
    "smaller": Text(zh="期数不变，每期金额相应减少", en="smaller instalments"),
    "next": Text(zh="依次抵扣其后各期应还款", en="the next instalments are paid"),
}
