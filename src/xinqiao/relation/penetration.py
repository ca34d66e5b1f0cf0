"""Who stands behind one company at a date: ultimate stakes, the actual controller, and the chains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow.compute as pc

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.relation import control as votes
from xinqiao.relation.ownership import CIRCULAR, REST, UNKNOWN
from xinqiao.relation.paths import chains
from xinqiao.relation.records import Records
from xinqiao.relation.region import Region
from xinqiao.source.lake import Lake

STATES = {
    votes.AT_END: Text(zh="没有股东记录", en="no holder is recorded"),
    votes.CONTROLLED: Text(zh="有实际控制人", en="has an actual controller"),
    votes.DISPERSED: Text(zh="无人控制过半数表决权", en="nobody casts a majority of the votes"),
    votes.UNCLEAR: Text(zh="未记录的股权可能改变控制权", en="shares not recorded might decide the control"),
    votes.CIRCULAR: Text(zh="循环持股，链条尽头无人", en="held in a circle with nobody at its end"),
}


@dataclass(frozen=True, slots=True)
class Party:
    """A company of the register, or a person known by a hash."""

    id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Step:
    """One holding on a chain: ``holder`` has ``share`` of ``firm``."""

    firm: Party
    holder: Party
    share: float


@dataclass(frozen=True, slots=True)
class Holder:
    """An ultimate holder: its stake, the most it can be with what is unknown, and its chains."""

    party: Party
    share: float
    at_most: float
    chains: tuple[tuple[Step, ...], ...]


@dataclass(frozen=True, slots=True)
class Penetration:
    """The answer. ``controller_share`` is the controller's ultimate stake, ``votes`` what it casts."""

    company: Party
    as_of: date
    threshold: float
    holders: tuple[Holder, ...]
    controller: Party | None
    controller_share: float | None
    votes: float | None
    layers: int | None
    state: Text
    control_chains: tuple[tuple[Step, ...], ...]
    unknown: float
    circular: float
    rest: float
    recorded: float

    def as_json(self) -> dict[str, Any]:
        """Plain data; shares are fractions of 1."""
        return {
            "company_id": self.company.id,
            "as_of": self.as_of.isoformat(),
            "threshold": self.threshold,
            "ultimate_holders": [
                {
                    "id": holder.party.id,
                    "kind": holder.party.kind,
                    "share": _rounded(holder.share),
                    "at_most": _rounded(holder.at_most),
                    "paths": [_path(chain) for chain in holder.chains],
                }
                for holder in self.holders
            ],
            "controller": self.controller and {"id": self.controller.id, "kind": self.controller.kind},
            "controller_share": _rounded(self.controller_share),
            "votes": _rounded(self.votes),
            "layers": self.layers,
            "control_paths": [_path(chain) for chain in self.control_chains],
            "state": self.state.model_dump(),
            "unknown_share": _rounded(self.unknown),
            "circular_share": _rounded(self.circular),
            "below_least_share": _rounded(self.rest),
            "recorded_shares": _rounded(self.recorded),
        }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 8)


def _path(chain: tuple[Step, ...]) -> list[dict[str, Any]]:
    return [{"firm": s.firm.id, "holder": s.holder.id, "share": _rounded(s.share)} for s in chain]


def penetrate(lake: Lake, as_of: date, company: str, threshold: float) -> Penetration:
    """Who stands behind ``company``: holders of at least ``threshold`` of it in the end.

    Raises UserError REL-THRESHOLD, REL-COMPANY (not known at the date), REL-HOLDERS (none recorded).
    """
    if not 0 < threshold <= 1:
        fail("REL-THRESHOLD", "--threshold", value=threshold)
    with Records(lake, as_of) as records:
        region = Region(records)
        node = int(pc.index(records.ids, company).as_py())
        if node < 0:
            fail("REL-COMPANY", "--company", company=company, as_of=as_of.isoformat())
        if not region.holdings.graph.degree[node]:
            fail("REL-HOLDERS", "--company", company=company, as_of=as_of.isoformat())
        return _penetrated(region, node, threshold)


def _penetrated(region: Region, node: int, threshold: float) -> Penetration:
    graph, stakes, control = region.holdings.graph, region.stakes, region.control
    unknown, circular, rest = (float(stakes.lost[node, k]) for k in (UNKNOWN, CIRCULAR, REST))
    top = int(control.controller[node])
    found = [pair for pair in stakes.of(node) if pair[1] >= threshold - 1e-9]
    least = region.settings.ownership.least_stake
    every = chains(graph, node, {holder for holder, _ in found}, least)
    holders = tuple(
        Holder(
            _party(region, holder),
            share,
            min(1.0, share + unknown + rest),
            tuple(_steps(region, c.nodes, c.shares) for c in every if c.nodes[-1] == holder),
        )
        for holder, share in found
    )
    under = set() if top < 0 else {top}
    commands = [c for c in chains(graph, node, under, least) if _commanded(region, c.nodes, top)]
    return Penetration(
        company=_party(region, node),
        as_of=region.records.as_of,
        threshold=threshold,
        holders=holders,
        controller=None if top < 0 else _party(region, top),
        controller_share=None if top < 0 else dict(stakes.of(node)).get(top, 0.0),
        votes=None if top < 0 else float(control.votes[node]),
        layers=None if top < 0 else int(control.layers[node]),
        state=STATES[int(control.state[node])],
        control_chains=tuple(_steps(region, c.nodes, c.shares) for c in commands),
        unknown=unknown,
        circular=circular,
        rest=rest,
        recorded=float(region.holdings.total[node]),
    )


def _commanded(region: Region, nodes: tuple[int, ...], top: int) -> bool:
    """Whether all firms between are controlled by ``top``: their votes are its own."""
    return all(region.control.controller[node] == top for node in nodes[1:-1])


def _party(region: Region, node: int) -> Party:
    if node < region.firms:
        return Party(region.records.ids[node].as_py(), "company")
    return Party(region.holdings.people[node - region.firms].as_py(), "person")


def _steps(region: Region, nodes: tuple[int, ...], shares: tuple[float, ...]) -> tuple[Step, ...]:
    parties = [_party(region, node) for node in nodes]
    return tuple(map(Step, parties, parties[1:], shares))
