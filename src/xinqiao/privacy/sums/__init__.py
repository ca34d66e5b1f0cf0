"""Sums and statistics over holders."""
