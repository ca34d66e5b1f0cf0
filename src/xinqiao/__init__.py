"""Xinqiao 信桥: an open credit platform for small businesses."""

__version__ = "0.1.0"
