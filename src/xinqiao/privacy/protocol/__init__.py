"""Protocols between parties that kinds of job are built from: masks, shares, comparison, choice."""
