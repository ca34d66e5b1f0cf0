"""The scene: all that is drawn once for the whole region, before any file is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from xinqiao.city.applications import Applications
from xinqiao.city.contagion import Channels
from xinqiao.city.decoys import DECOYS, hubs, tell_applications
from xinqiao.city.draw import BLOCK, Flags, Ints, Stream, stream
from xinqiao.city.hazard import Fate, draw_fate
from xinqiao.city.network import Network, draw_network
from xinqiao.city.plots import ONCE, PLOTS
from xinqiao.city.region import Calendar, Region, check_request, draw_region
from xinqiao.city.schemes import Plan, Schemes, all_applications, begin, finish
from xinqiao.city.ties import Links, Ties, draw_ties

TRADE = (1.0, 0.8, 0.6, 0.5)  # weight of the customer in each place of the list: the first buys most
TIED = (0.9, 0.8, 1.2)  # by kind of link: common owner, holding, surety


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All that the files depend on.

    A source's tables come from ``NAME_tables(scene, ids) -> dict[contract id, table]``, where ``ids`` are
    the companies of one block in order; the same block always gives the same rows.
    """

    region: Region
    network: Network
    ties: Ties
    fate: Fate
    applications: Applications
    schemes: Schemes

    @property
    def blocks(self) -> int:
        """How many blocks of companies there are."""
        return -(-self.region.companies // BLOCK)

    def ids(self, block: int) -> Ints:
        """The companies of a block."""
        return np.arange(block * BLOCK, min((block + 1) * BLOCK, self.region.companies))

    def stream(self, purpose: Stream, ids: Ints) -> np.random.Generator:
        """The stream of ``purpose`` for the block that ``ids`` begin."""
        return stream(self.region.seed, purpose, int(ids[0]) // BLOCK)

    def lives(self, ids: Ints) -> Flags:
        """Whether a company lives through the whole of a month; shape (len(ids), months)."""
        months = np.arange(self.region.calendar.months)
        first, last = self.fate.first_month[ids, None], self.fate.last_month[ids, None]
        out: Flags = (first <= months) & (months <= last)
        return out

    def after_default(self, ids: Ints) -> Ints:
        """Months since the month of default, 0 up to and in it; shape (len(ids), months)."""
        months = np.arange(self.region.calendar.months)
        out: Ints = np.maximum(0, months - self.fate.default_month[ids, None])
        return out


def draw_scene(companies: int, months: int, start: date, seed: int, volume: float = 1.0) -> Scene:
    """Draw companies, network and fates. Raises UserError CITY-COMPANIES, CITY-MONTHS, CITY-START."""
    check_request(companies, months, start)
    region = draw_region(companies, Calendar(start, months), seed, volume)
    network = draw_network(region)
    ties = draw_ties(region)
    fate = draw_fate(region, network.ring, draw_channels(network, ties.links))
    plan = begin(region, network, ties, fate)
    _plant(plan)
    applications = all_applications(plan)
    tell_applications(plan, applications)
    return Scene(region, network, plan.ties, plan.fate, applications, finish(plan, applications))


def _plant(plan: Plan) -> None:
    """Every scheme as often as the region is large, and its look-alikes."""
    for plot in (*PLOTS, *DECOYS):
        for _ in plan.times():
            plot(plan)
    for plot in (*ONCE, hubs):
        plot(plan)


def draw_channels(network: Network, links: Links) -> Channels:
    """A seller is struck when a customer fails; owners, the owned and sureties as ``links`` say."""
    seller, place = np.nonzero(network.buyer >= 0)
    return Channels(
        np.concatenate([network.buyer[seller, place], links.a]),
        np.concatenate([seller, links.b]),
        np.concatenate([np.array(TRADE)[place], links.weight * np.array(TIED)[links.kind]]),
    )
