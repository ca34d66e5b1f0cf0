"""What the graph says of each company, as tables the indicators read like a contract's.

``RELATION_TABLES`` declares them: an id, columns with their types, and the contract fields they rest on.
``relation_tables`` computes them as of a date: records known later, and events later, don't exist.
A table has a row for every company in the register or in the invoices when all contracts it needs have
been delivered, and none otherwise: then a count of 0 is known to be 0, and nothing known is no row.
`relation_control` has rows of companies with a holder recorded only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from xinqiao.relation.applications import ring_counts
from xinqiao.relation.community import louvain
from xinqiao.relation.compiled import Codes, Flags, Floats, Ints
from xinqiao.relation.components import circles, components, sizes
from xinqiao.relation.contagion import direct_stress, spread_stress
from xinqiao.relation.control import CONTROLLED
from xinqiao.relation.csr import Csr, from_edges
from xinqiao.relation.cycles import circled, shortest_cycle, simple_cycles
from xinqiao.relation.declared import RELATION_TABLES, RelationTable
from xinqiao.relation.neighbours import neighbours
from xinqiao.relation.ownership import CIRCULAR, REST, UNKNOWN
from xinqiao.relation.proximity import percentile, personalised_pagerank
from xinqiao.relation.reach import depth, reach
from xinqiao.relation.records import Records
from xinqiao.relation.region import Region
from xinqiao.relation.tiers import LONGEST, cores, tiers
from xinqiao.source.lake import Lake

__all__ = ["RELATION_TABLES", "RelationTable", "relation_tables"]

Columns = dict[str, Any]
"""Column -> an array over all firms: NumPy, or Arrow where values may be missing."""

_ARROW = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}


def relation_tables(lake: Lake, as_of: date, names: Collection[str] | None = None) -> dict[str, pa.Table]:
    """The tables ``names`` (all when None) as of ``as_of``, each sorted by company_id.

    Names that are no table of `RELATION_TABLES` raise KeyError.
    """
    wanted = [RELATION_TABLES[name] for name in (RELATION_TABLES if names is None else names)]
    with Records(lake, as_of) as records:
        region = Region(records)
        return {table.id: _table(table, region) for table in wanted}


def _table(table: RelationTable, region: Region) -> pa.Table:
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in table.columns.items()])
    if not region.records.at.holds(*table.needs) or not region.firms:
        return schema.empty_table()
    found = _TABLES[table.id](region)
    kept = region.records.listed & np.asarray(found.pop("_kept", True))
    columns: Columns = {"company_id": region.records.ids, **found}
    rows = pa.table(
        {name: pa.array(columns[name]).cast(_ARROW[kind]) for name, kind in table.columns.items()}
    )
    return rows.filter(pa.array(np.broadcast_to(kept, len(region.records.listed))))


def _known(values: Floats | Ints | Codes, known: Flags) -> pa.Array:
    return pa.array(values, mask=~known)


def _tier(values: Floats, known: Flags) -> pa.Array:
    return _known(values, known & (values <= LONGEST))


def _control(region: Region) -> Columns:
    n = region.firms
    found, stakes, holdings = region.control, region.stakes, region.holdings
    held = holdings.graph.degree[:n] > 0
    top, largest = found.controller[:n], stakes.largest()[:n]
    known = (top >= 0) & held
    share = np.where(known, stakes.stake(found.controller)[:n], largest)
    ids = pa.chunked_array([region.records.ids, holdings.people]).combine_chunks()
    same = np.bincount(top[known], minlength=len(ids))[np.maximum(top, 0)] - 1
    return {
        "_kept": held,
        "controller_id": ids.take(_known(top, known)),
        "controller_kind": pa.array(np.where(top >= n, "person", "company"), mask=~known),
        "controller_known": known & (found.state[:n] == CONTROLLED),
        "controller_share": _known(share, known | (largest > 0)),
        "controller_votes": _known(found.votes[:n], known),
        "layers": _known(found.layers[:n], known),
        "ultimate_holders": stakes.count(region.settings.ownership.threshold)[:n],
        "largest_stake": largest,
        "unknown_share": stakes.lost[:n, UNKNOWN] + stakes.lost[:n, REST],
        "circular_share": stakes.lost[:n, CIRCULAR],
        "over_held": holdings.total[:n] > 1 + region.settings.ownership.over_held,
        "same_control": np.where(known, same, 0),
    }


def _guarantee(region: Region) -> Columns:
    graph, settings = region.guarantees, region.settings.guarantee
    back, label = graph.reversed(), circles(graph)[0]
    cycle = shortest_cycle(graph, settings.longest_cycle)
    given, received = np.zeros(region.firms), np.zeros(region.firms)
    np.add.at(given, graph.sources(), graph.weight)
    np.add.at(received, graph.to, graph.weight)
    return {
        "scc_size": sizes(label),
        "in_cycle": sizes(label) > 1,
        "cycle_length": _known(cycle, cycle > 0),
        "mutual": _back_and_forth(graph, np.ones(len(graph.to))),
        "guaranteed": graph.degree,
        "guarantors": back.degree,
        "depth": depth(graph),
        "reach": reach(graph, settings.most_reach),
        "network_size": sizes(components(graph)),
        "given_cents": given,
        "received_cents": received,
    }


def _back_and_forth(graph: Csr, weight: Floats) -> Floats:
    """For every node, the sum over partners with an edge each way of the smaller of both weights."""
    key = graph.sources().astype(np.int64) * graph.nodes + graph.to
    back = graph.to.astype(np.int64) * graph.nodes + graph.sources()
    place = np.minimum(np.searchsorted(key, back), max(0, len(key) - 1))  # keys stand in order
    both = np.flatnonzero(key[place] == back) if len(key) else place
    out = np.zeros(graph.nodes)
    np.add.at(out, graph.sources()[both], np.minimum(weight[both], weight[place[both]]))
    return out


def _neighbours(region: Region) -> Columns:
    found = neighbours(region.close_ties, region.bad, region.settings.hubs.neighbours)
    return {
        "neighbours": found.near,
        "bad_neighbours": found.near_bad,
        "two_hop": found.far,
        "bad_two_hop": found.far_bad,
    }


def _community(region: Region) -> Columns:
    label = louvain(region.all_ties)
    bad = region.bad
    of_label = np.bincount(label[bad], minlength=int(label.max()) + 1)
    return {
        "community_size": sizes(label),
        "other_members": sizes(label) - 1,
        "other_bad": of_label[label] - bad,
    }


def _ring(region: Region) -> Columns:
    caps = region.settings.hubs.model_dump()
    ends: list[tuple[Codes, Codes]] = []
    shared, base = np.zeros(region.firms, np.int64), region.firms
    for kind, each in sorted(region.contacts.items()):
        count = each.firms_of_key
        joins = (count > 1) & (count <= caps[kind])
        meant = joins[each.key]
        shared += np.bincount(each.firm[meant], minlength=region.firms)
        ends.append((each.firm[meant], (each.key[meant] + base).astype(np.int32)))
        base += len(count)
    graph = from_edges(base, *(np.concatenate([pair[k] for pair in ends]) for k in (0, 1)))
    label = components(graph)[: region.firms]
    return ring_counts(region) | {
        "phone_firms": region.contacts["phone"].others(region.firms),
        "address_firms": region.contacts["address"].others(region.firms),
        "ring_size": np.bincount(label)[label],
        "ring_keys": shared,
    }


def _proximity(region: Region) -> Columns:
    graph = region.everything
    ppr, _ = personalised_pagerank(graph, region.seeds)
    return {
        "ppr": ppr,
        "ppr_percentile": percentile(ppr, region.records.listed),
        "seeds": np.full(region.firms, len(region.seeds)),
    }


def _trade(region: Region) -> Columns:
    trade, settings = region.trade, region.settings.trade
    graph, source = trade.graph, trade.graph.sources()
    inner = trade.among_reporting
    great = graph.kept(graph.weight >= settings.least_edge_cents)
    found = simple_cycles(
        great, settings.shortest_cycle, settings.longest_cycle, hub=settings.hub, limit=settings.most_cycles
    )
    circular, related = np.zeros(region.firms), np.zeros(region.firms)
    np.add.at(circular, great.sources(), circled(found, great.weight))
    among = region.related(source, graph.to)
    np.add.at(related, source[among], graph.weight[among])
    core = cores(graph, trade.sales, settings.core_share, settings.core_dependants)
    return {
        "output_cents": _known(trade.sales, trade.reports),
        "related_cents": related,
        "mutual_cents": _back_and_forth(graph, graph.weight),
        "circular_cents": circular,
        "circles": np.bincount(found.node, minlength=region.firms),
        "buyers": graph.degree,
        "sellers": graph.reversed().degree,
        "upstream_tier": _tier(tiers(inner.reversed(), trade.purchases), trade.reports),
        "downstream_tier": _tier(tiers(inner, trade.sales), trade.reports),
        "core_dependence": _known(core.share, trade.sales > 0),
        "core_id": region.records.ids.take(_known(core.core, core.core >= 0)),
        "is_core": core.is_core,
        "dependants": core.dependants,
    }


def _contagion(region: Region) -> Columns:
    failing = region.marked(region.settings.failing)
    trade, guarantees = region.trade, region.guarantees
    graph, source = trade.graph, trade.graph.sources()
    impact = region.impact
    for_failing = np.zeros(region.firms)
    hit = failing[guarantees.to]
    np.add.at(for_failing, guarantees.sources()[hit], guarantees.weight[hit])
    holders = region.holdings.graph
    held_by = np.append(failing, np.zeros(holders.nodes - region.firms, bool))
    return {
        "failing_customers": _known(
            _share(region.firms, source, trade.of_sales * failing[graph.to]), trade.sales > 0
        ),
        "failing_suppliers": _known(
            _share(region.firms, graph.to, trade.of_purchases * failing[source]), trade.purchases > 0
        ),
        "failing_guaranteed_cents": for_failing,
        "failing_holders": _share(holders.nodes, holders.sources(), holders.weight * held_by[holders.to])[
            : region.firms
        ],
        "direct_stress": direct_stress(impact, failing),
        "stress": spread_stress(impact, failing, region.settings.stress.steps),
    }


def _share(nodes: int, node: Codes, part: Floats) -> Floats:
    return np.minimum(np.bincount(node, part, nodes), 1.0)


_TABLES: dict[str, Callable[[Region], Columns]] = {
    "relation_control": _control,
    "relation_guarantee": _guarantee,
    "relation_neighbours": _neighbours,
    "relation_community": _community,
    "relation_ring": _ring,
    "relation_proximity": _proximity,
    "relation_trade": _trade,
    "relation_contagion": _contagion,
}
