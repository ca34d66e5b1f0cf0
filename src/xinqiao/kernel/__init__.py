"""Money, periods, identifiers, errors, documents and expressions; no I/O beyond the catalog."""
