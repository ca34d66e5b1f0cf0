"""Where a loan stands (余额), as totals since it began, and the postings between two such states.

Every total only says what happened so far; what is owed is a difference of totals. So the journal of a loan
is the change of its totals, and it balances whatever the event was.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Literal

Account = Literal[
    "cash",  # 存放资金
    "loan_principal",  # 贷款本金
    "interest_receivable",  # 应收利息
    "penalty_receivable",  # 应收罚息
    "fee_receivable",  # 应收费用
    "borrower_credit",  # 暂收款: what the borrower paid ahead
    "interest_income",  # 利息收入
    "penalty_income",  # 罚息收入
    "fee_income",  # 手续费收入
    "waived",  # 减免支出
    "loan_loss_allowance",  # 贷款损失准备
    "provision_expense",  # 资产减值损失
    "recovery_income",  # 已核销收回
]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """Totals of a loan since it began, in CNY, as of the end of a day.

    ``earned``: accrued whether due or not. ``due``: the part of what was earned (or of the principal) that
    fell due by the day; it is no posting of its own. ``paid`` parts sum to what was received, less ``credit``
    (held for the borrower), less ``recovered`` (came in after a write-off).
    """

    disbursed: Decimal = ZERO
    interest_earned: Decimal = ZERO
    penalty_earned: Decimal = ZERO
    fee_earned: Decimal = ZERO
    principal_due: Decimal = ZERO
    interest_due: Decimal = ZERO
    principal_paid: Decimal = ZERO
    interest_paid: Decimal = ZERO
    penalty_paid: Decimal = ZERO
    fee_paid: Decimal = ZERO
    interest_waived: Decimal = ZERO
    penalty_waived: Decimal = ZERO
    fee_waived: Decimal = ZERO
    principal_written_off: Decimal = ZERO
    interest_written_off: Decimal = ZERO
    penalty_written_off: Decimal = ZERO
    fee_written_off: Decimal = ZERO
    recovered: Decimal = ZERO
    credit: Decimal = ZERO
    allowance: Decimal = ZERO

    @property
    def principal(self) -> Decimal:
        """Principal outstanding."""
        return self.disbursed - self.principal_paid - self.principal_written_off

    @property
    def interest(self) -> Decimal:
        """Interest earned and not yet paid, waived or written off, due or not."""
        return self.interest_earned - self.interest_paid - self.interest_waived - self.interest_written_off

    @property
    def penalty(self) -> Decimal:
        """Penalty open."""
        return self.penalty_earned - self.penalty_paid - self.penalty_waived - self.penalty_written_off

    @property
    def fee(self) -> Decimal:
        """Fees open."""
        return self.fee_earned - self.fee_paid - self.fee_waived - self.fee_written_off

    @property
    def owed(self) -> Decimal:
        """What would settle the loan on the day, before a prepayment fee."""
        return self.principal + self.interest + self.penalty + self.fee - self.credit

    def __sub__(self, before: Balances) -> Balances:
        """What changed since ``before``."""
        return Balances(
            **{each.name: getattr(self, each.name) - getattr(before, each.name) for each in fields(self)}
        )


@dataclass(frozen=True, slots=True)
class Posting:
    """A line of the journal: ``amount`` in CNY, a debit where positive, a credit where negative."""

    account: Account
    amount: Decimal


_RULES: tuple[tuple[str, Account, Account], ...] = (
    ("disbursed", "loan_principal", "cash"),
    ("interest_earned", "interest_receivable", "interest_income"),
    ("penalty_earned", "penalty_receivable", "penalty_income"),
    ("fee_earned", "fee_receivable", "fee_income"),
    ("principal_paid", "cash", "loan_principal"),
    ("interest_paid", "cash", "interest_receivable"),
    ("penalty_paid", "cash", "penalty_receivable"),
    ("fee_paid", "cash", "fee_receivable"),
    ("credit", "cash", "borrower_credit"),
    ("recovered", "cash", "recovery_income"),
    ("interest_waived", "waived", "interest_receivable"),
    ("penalty_waived", "waived", "penalty_receivable"),
    ("fee_waived", "waived", "fee_receivable"),
    ("principal_written_off", "loan_loss_allowance", "loan_principal"),
    ("interest_written_off", "loan_loss_allowance", "interest_receivable"),
    ("penalty_written_off", "loan_loss_allowance", "penalty_receivable"),
    ("fee_written_off", "loan_loss_allowance", "fee_receivable"),
    ("allowance", "provision_expense", "loan_loss_allowance"),
)
"""Which accounts the change of a total is booked on: debit first."""


def postings(change: Balances) -> tuple[Posting, ...]:
    """The journal lines of a change, by account, without empty ones; they sum to zero."""
    sums: dict[Account, Decimal] = {}
    for name, debit, credit in _RULES:
        amount: Decimal = getattr(change, name)
        if amount:
            sums[debit] = sums.get(debit, ZERO) + amount
            sums[credit] = sums.get(credit, ZERO) - amount
    return tuple(Posting(account, amount) for account, amount in sums.items() if amount)
