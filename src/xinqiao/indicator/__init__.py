"""Indicators: definitions in the catalog, evaluated as of a date by one engine seam."""
