"""Thresholds, caps and white lists of the graph, from ``catalog/relation``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limited

from xinqiao.kernel.document import Model, parse


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Ownership(_Document):
    """Shares are fractions of 1."""

    threshold: float = Limited(gt=0, le=1)
    majority: float = Limited(ge=0.5, lt=1)
    least_stake: float = Limited(gt=0, lt=0.01)
    over_held: float = Limited(ge=0)
    self_employed: float = Limited(ge=0, le=1)


class Guarantee(_Document):
    """Caps of the guarantee graph, in firms."""

    longest_cycle: int = Limited(ge=2, le=8)
    most_reach: int = Limited(ge=1)


class Bad(_Document):
    """What makes a firm bad: lists it stands on at T, days past due in the last month reported."""

    overdue_days: int = Limited(ge=1)
    court: list[str]
    register_: list[str] = Limited(default=[], alias="register")
    credit: list[str] = []


class Ties(_Document):
    """Weights of the kinds of ties."""

    holding: float
    person: float
    guarantee: float
    trade: float
    shared_key: float


class Hubs(_Document):
    """Most firms that share one key, most ties of a node that is passed through."""

    person: int
    phone: int
    email: int
    address: int
    device: int
    ip: int
    agent: int
    neighbours: int


class Rings(_Document):
    """Window of applications in days; amounts apart by at most the share are alike."""

    days: int = Limited(ge=1)
    like_amount: float = Limited(ge=0, lt=1)


class Trade(_Document):
    """Window in whole months, the search for circles, and core firms."""

    months: int = Limited(ge=1)
    least_edge_cents: int = Limited(ge=1)
    shortest_cycle: int = Limited(ge=2)
    longest_cycle: int = Limited(ge=2, le=8)
    hub: int
    most_cycles: int
    core_share: float = Limited(gt=0, le=1)
    core_dependants: int = Limited(ge=1)


class Stress(_Document):
    """Shares of a firm lost with a failing neighbour, by kind of tie."""

    customer: float = Limited(ge=0, le=1)
    supplier: float = Limited(ge=0, le=1)
    guaranteed: float = Limited(ge=0, le=1)
    holder: float = Limited(ge=0, le=1)
    steps: int = Limited(ge=1)


class GraphSettings(_Document):
    """``catalog/relation/graph.yaml``."""

    ownership: Ownership
    guarantee: Guarantee
    bad: Bad
    failing: Bad
    fraud_seeds: list[str]
    ties: Ties
    hubs: Hubs
    rings: Rings
    trade: Trade
    stress: Stress


class WhiteList(_Document):
    """``catalog/relation/white_list.yaml``: words of addresses, and hashes."""

    address_words: list[str]
    phones: list[str]
    emails: list[str]
    agents: list[str]
    devices: list[str]
    ips: list[str]
    people: list[str]


@cache
def graph_settings() -> GraphSettings:
    """The settings of the graph; raises UserError DOC-*."""
    return _read("graph.yaml", GraphSettings)


@cache
def white_list() -> WhiteList:
    """What may be shared without meaning anything; raises UserError DOC-*."""
    return _read("white_list.yaml", WhiteList)


def _read(name: str, model: type[Model]) -> Model:
    text = files("xinqiao").joinpath("catalog", "relation", name).read_text("utf-8")
    return parse(text, model, name)[0]
