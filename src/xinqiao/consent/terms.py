"""What a grant can be for and what it can cover, from ``catalog/consent/terms.yaml``.

A purpose that is not listed does not exist: marketing can be neither granted nor read for.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.document import parse
from xinqiao.kernel.text import Text

SELF = "self"
"""The purpose of a firm's look at its own file; nobody else can be granted it."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Purpose(_Document):
    """用途: ``max_days`` is the longest a grant for it may last; 0: cannot be granted."""

    name: Text
    max_days: int = Field(ge=0, le=3660)


class DataSet(_Document):
    """数据集.

    ``open``: public by law, needs no grant; ``special``: signed alone after a warning; ``personal``: on the
    owner as a person; ``derived``: made of many sources (score, leads); ``credit_service``: giving it to
    others for judging credit is credit reporting, whatever it is called.
    """

    name: Text
    credit_service: bool
    open: bool = False
    personal: bool = False
    special: bool = False
    derived: bool = False


class _Terms(_Document):
    purposes: dict[str, Purpose]
    data_sets: dict[str, DataSet]


@cache
def _terms() -> _Terms:
    file = files("xinqiao").joinpath("catalog", "consent", "terms.yaml")
    return parse(file.read_text("utf-8"), _Terms, file.name)[0]


def purposes() -> dict[str, Purpose]:
    """Every purpose by its code."""
    return _terms().purposes


def data_sets() -> dict[str, DataSet]:
    """Every data set by its code: the sources, and what is made of them."""
    return _terms().data_sets


@cache
def open_sets() -> frozenset[str]:
    """Codes of what is public by law."""
    return frozenset(code for code, item in data_sets().items() if item.open)


@cache
def special_sets() -> frozenset[str]:
    """Codes of personal items that need a grant of their own kind."""
    return frozenset(code for code, item in data_sets().items() if item.special)


@cache
def derived_sets() -> frozenset[str]:
    """Codes of what is made of many sources."""
    return frozenset(code for code, item in data_sets().items() if item.derived)


@cache
def ordinary_sets() -> frozenset[str]:
    """Codes of what an ordinary grant may name."""
    return frozenset(code for code, item in data_sets().items() if not item.special)
