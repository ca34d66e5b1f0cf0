"""Who a firm is: codes, names, addresses, one firm across sources, people, size class."""
