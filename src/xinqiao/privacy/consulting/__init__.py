"""From a need to a data product: search, coverage, value, contract, monitoring."""
