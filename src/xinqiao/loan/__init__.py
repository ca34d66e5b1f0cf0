"""What a loan is: terms, schedule, events, balances, classes; pure, no I/O."""
