"""Indicator definitions evaluated as of a date through one engine seam."""
