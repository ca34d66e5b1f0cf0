"""Errors, documents, expressions, periods, canonical bytes; no I/O but the catalog and whole files."""
