"""Imported by the server that forks processes for ``killing``: what they need is there when they begin."""

from __future__ import annotations

from tests.servicing import killing
from tests.servicing.lent import written
from xinqiao.lending.product import parse_product

parse_product(written("revolving"), "warm")
__all__ = ["killing"]
