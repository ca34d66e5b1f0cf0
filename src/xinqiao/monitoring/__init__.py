"""After the money is out: early warning, watch-list, portfolio, stress, outcomes."""
