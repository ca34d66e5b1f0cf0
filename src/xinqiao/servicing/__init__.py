"""The life of a loan after acceptance: contract, limits, drawdown, journal, repayment, day-end."""
