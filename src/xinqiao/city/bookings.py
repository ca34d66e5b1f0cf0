"""Kinds of parties and categories of account flows, in the order of the delivered words."""

from __future__ import annotations

COMPANY, PERSON, OWN, PAYMENT, BANK, MICRO, SECURITIES, PROPERTY, STATE = range(9)
PARTIES = ("企业", "个人", "同名账户", "支付机构", "银行", "小额贷款", "证券", "房地产", "财政国库")
(OPERATING, TAX, UTILITY, PAYROLL, LOAN, REPAYMENT, INVESTMENT, REFUND, TRANSFER, FX, CASH, OTHER) = range(12)
CATEGORIES = (
    "经营",
    "税费",
    "水电",
    "工资",
    "贷款发放",
    "还本付息",
    "投资",
    "退款",
    "转账",
    "收汇",
    "现金",
    "其他",
)
