"""The portfolio: whom to lend, how much and at what rate, to earn the most under the budget."""
