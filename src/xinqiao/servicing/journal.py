"""The journal of a loan as people read it: entries line by line, accounts in words."""

from __future__ import annotations

from uuid import UUID

from xinqiao.db.database import Row, Tx
from xinqiao.kernel.text import Text
from xinqiao.loan.balances import Account

ACCOUNTS: dict[Account, Text] = {
    "cash": Text(zh="存放资金", en="cash"),
    "loan_principal": Text(zh="贷款本金", en="loans, principal"),
    "interest_receivable": Text(zh="应收利息", en="interest receivable"),
    "penalty_receivable": Text(zh="应收罚息", en="penalty receivable"),
    "fee_receivable": Text(zh="应收费用", en="fees receivable"),
    "borrower_credit": Text(zh="暂收款", en="held for borrowers"),
    "interest_income": Text(zh="利息收入", en="interest income"),
    "penalty_income": Text(zh="罚息收入", en="penalty income"),
    "fee_income": Text(zh="手续费收入", en="fee income"),
    "waived": Text(zh="减免支出", en="waived"),
    "loan_loss_allowance": Text(zh="贷款损失准备", en="loan loss allowance"),
    "provision_expense": Text(zh="资产减值损失", en="impairment"),
    "recovery_income": Text(zh="已核销收回", en="recoveries"),
}
MOST_LINES = 600


def entries_of(tx: Tx, loan_id: UUID) -> list[Row]:
    """Lines of the entries of a loan's own events, the latest first.

    Columns: booked_on, kind, seq, account, amount_cny (a debit where positive).
    """
    return tx.execute(
        "SELECT e.booked_on, e.kind, e.seq, l.account, l.amount_cny FROM journal_entry e "
        "JOIN journal_line l ON l.entry_id = e.id WHERE e.loan_id = %s "
        "ORDER BY e.id DESC, l.amount_cny DESC, l.account LIMIT %s",
        [loan_id, MOST_LINES],
    ).fetchall()
