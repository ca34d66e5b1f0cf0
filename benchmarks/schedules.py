"""Repayment schedules a CPU second: our engine and vectors, a numpy-financial loop, and peers.

``python -m benchmarks.schedules FOLDER COUNT``: loans of 100,000 to 1,000,000 CNY, 36 level instalments.
The engine's schedule is that of a live loan: every later event can be applied to it; the others list rows.
Peers (PyPI): pyloan, loan-calculator, amortizacion-engine; one that isn't installed is said to be absent.
"""

# ruff: noqa: PLC0415 - each peer is imported only where it is measured
from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figures, cpu, read, write
from benchmarks.measure import ONE_THREAD, measure
from xinqiao.loan.calendar import periods
from xinqiao.loan.engine import apply, begin, payoff
from xinqiao.loan.event import Disburse, Repay
from xinqiao.loan.terms import Terms
from xinqiao.loan.vector import schedules

START = date(2026, 1, 15)
MONTHS = 36
RATE_PPM = 43_500
SEED = 20260115
LANES = 100_000
PEERS = {"pyloan": "pyloan", "loan-calculator": "loan_calculator", "amortizacion-engine": "financial_engine"}
Job = Callable[[float], Any]


def sums(count: int) -> list[int]:
    """Principals in cents."""
    return [int(x) for x in np.random.default_rng(SEED).integers(10**7, 10**8, count)]


def engine(cents: float) -> Any:  # noqa: ANN401 - measured only
    amount = Decimal(int(cents)) / 100
    terms = Terms(principal=amount, rate=Decimal(RATE_PPM) / 10**6, periods=periods(START, MONTHS))
    return apply(begin(terms), Disburse(on=START, amount=amount))


def life(cents: float) -> Any:  # noqa: ANN401 - measured only
    """A whole life: drawn, repaid on time for a year, then settled early."""
    loan = engine(cents)
    for each in loan.instalments[:12]:
        due = next(row for row in loan.dues if row.due == each.due)
        loan = apply(loan, Repay(on=each.due, amount=due.instalment))
    return payoff(loan, date(2027, 2, 1))


def numpy_financial() -> Job:
    import numpy_financial as npf

    number = np.arange(1, MONTHS + 1)

    def job(cents: float) -> Any:  # noqa: ANN401 - measured only
        principal = cents / 100
        return (
            npf.pmt(0.0435 / 12, MONTHS, -principal),
            npf.ipmt(0.0435 / 12, number, MONTHS, -principal).round(2),
            npf.ppmt(0.0435 / 12, number, MONTHS, -principal).round(2),
        )

    return job


def pyloan() -> Job:
    from pyloan import Loan

    return lambda cents: Loan(
        cents / 100, 4.35, 3, "2026-01-15", compounding_method="A/360"
    ).get_payment_schedule()


def loan_calculator() -> Job:
    from loan_calculator.loan import Loan

    dues = [due for _, due in periods(START, MONTHS)]
    return lambda cents: Loan(cents / 100, 0.0435, START, dues).due_payments


def financial_engine() -> Job:
    from financial_engine import AmortizationRequest, simulate

    def job(cents: float) -> Any:  # noqa: ANN401 - measured only
        request = AmortizationRequest(Decimal(int(cents)) / 100, Decimal("0.0435"), MONTHS, "monthly", START)
        return simulate("FRENCH_FIXED_PAYMENT", request)

    return job


MAKERS: dict[str, Callable[[], Job]] = {
    "engine": lambda: engine,
    "life": lambda: life,
    "numpy_financial": numpy_financial,
    "pyloan": pyloan,
    "loan_calculator": loan_calculator,
    "financial_engine": financial_engine,
}


def vector(count: int) -> float:
    """CPU seconds a schedule, many at once."""
    cents = np.array(sums(count), np.int64)
    rates = np.full(count, RATE_PPM, np.int64)
    days = [(due - first).days for first, due in periods(START, MONTHS)]
    return cpu(lambda: schedules(cents, rates, days, 360)) / count


def job(folder: Path, count: int) -> None:
    """All measurements, in this process."""
    chosen = sums(count)
    found: Figures = {"vector": vector(LANES)}
    for name, maker in MAKERS.items():
        if name in PEERS.values() and find_spec(name) is None:
            continue
        made = maker()
        made(chosen[0])
        few = chosen[: max(count // 10, 1)] if name == "life" else chosen
        found[name] = cpu(lambda made=made, few=few: [made(each) for each in few]) / len(few)  # type: ignore[misc]
    write(folder, "schedules", count, found)


def section(folder: Path, count: int = 400) -> list[str]:
    """The section of the results."""
    measure("schedules", ["-m", "benchmarks.schedules", str(folder), str(count)], ONE_THREAD)
    found = read(folder, "schedules", count)
    loop = found["numpy_financial"]
    names = {
        "engine": "xinqiao, a live loan in Decimal",
        "vector": f"xinqiao, {LANES:,} at once in whole cents",
        "numpy_financial": "numpy-financial, a loop over loans",
        **{module: package for package, module in PEERS.items()},
    }
    lines = ["| schedules of 36 level instalments | a CPU second | beside the loop |", "|---|---|---|"]
    for name, words in names.items():
        figure = found.get(name)
        told = f"{1 / figure:,.0f} | {loop / figure:,.2f}x" if figure else "not installed | "
        lines.append(f"| {words} | {told} |")
    life_words = f"A life (drawn, twelve repayments, a payoff quote): {1 / found['life']:,.0f} a CPU second."
    return [*lines, "", life_words]


if __name__ == "__main__":
    job(Path(sys.argv[1]), int(sys.argv[2]))
