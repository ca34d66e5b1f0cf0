"""Errors, documents, expressions, periods and canonical bytes; no I/O beyond the catalog."""
