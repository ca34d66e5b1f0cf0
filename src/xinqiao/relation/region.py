"""The property graph of everyone known at a date: firms, people, telephones, addresses, devices, agents.

Firms are numbered by their ids, people after them; each kind of tie is a graph over those numbers, built
when first asked for. ``Csr.edge`` of a graph with records is the row of its table of records: the
evidence, with the file and line it came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from xinqiao.enterprise.address import plain_address
from xinqiao.kernel.period import window_months
from xinqiao.relation import queries
from xinqiao.relation.compiled import Codes, Flags, Floats, Ints
from xinqiao.relation.control import Control, control
from xinqiao.relation.csr import Csr, both_ways, from_edges
from xinqiao.relation.neighbours import sharing
from xinqiao.relation.ownership import Stakes, ultimate_stakes, whole
from xinqiao.relation.records import Records
from xinqiao.relation.settings import Bad, graph_settings, white_list


@dataclass(frozen=True, slots=True)
class Holdings:
    """Holders of every firm: ``graph`` firm -> holder by share, ``people`` the ids after the firms.

    ``total``: shares recorded of every node, before scaling down to 1. ``records``: company_id,
    holder_id, holder_kind, share (null: not recorded), held_from.
    """

    graph: Csr
    total: Floats
    people: pa.Array
    records: pa.Table


@dataclass(frozen=True, slots=True)
class Trade:
    """Valid invoices of the window: seller -> buyer in cents, and all sales and purchases of every firm.

    A pair's sum is the seller's record of it, the buyer's where the seller has none. ``reports``: firms
    whose own invoices were delivered; of the others all sales and purchases are not known, and 0 here.
    """

    graph: Csr
    sales: Floats
    purchases: Floats
    reports: Flags

    @property
    def of_sales(self) -> Floats:
        """For every edge, its share of the seller's sales, 0 where these are not known."""
        return _part(self.graph.weight, self.sales[self.graph.sources()])

    @property
    def of_purchases(self) -> Floats:
        """For every edge, its share of the buyer's purchases, 0 where these are not known."""
        return _part(self.graph.weight, self.purchases[self.graph.to])

    @property
    def among_reporting(self) -> Csr:
        """Edges between firms that report: others stand outside the platform."""
        return self.graph.kept(self.reports[self.graph.sources()] & self.reports[self.graph.to])


@dataclass(frozen=True, slots=True)
class Shared:
    """Pairs of a firm and something it shares with others, each once: codes, and the keys' texts."""

    firm: Codes
    key: Codes
    keys: pa.Array

    @property
    def firms_of_key(self) -> Ints:
        """The number of firms of every key."""
        return np.bincount(self.key, minlength=len(self.keys)).astype(np.int64)

    def others(self, firms: int) -> Ints:
        """For every firm, the number of other firms of the key they share with most."""
        out = np.zeros(firms, np.int64)
        if len(self.key):
            np.maximum.at(out, self.firm, self.firms_of_key[self.key] - 1)
        return out


class Region:
    """The graphs of all firms known at the date of ``records``."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.settings = graph_settings()
        self.firms = records.firms

    @cached_property
    def holdings(self) -> Holdings:
        """Who holds whom; the operator of a self-employed business without recorded holders holds it."""
        self.records.know("registry", "registry_holding")
        rows = self.records.at.table(queries.HOLDINGS, operator=self.settings.ownership.self_employed)
        people = rows.filter(pa.compute.equal(rows["holder_kind"], "person"))["holder_id"]
        ids = people.combine_chunks().unique().sort() if len(people) else pa.array([], pa.string())
        person = pa.compute.index_in(rows["holder_id"], ids).combine_chunks().cast(pa.int64())
        firm_of = rows["holder"].combine_chunks().cast(pa.int64())
        is_person = pa.compute.equal(rows["holder_kind"].combine_chunks(), "person")
        place = pa.compute.if_else(is_person, pa.compute.add(person, self.firms), firm_of)
        share = rows["share"].fill_null(0.0).to_numpy()
        source = rows["firm"].to_numpy().astype(np.int32)
        graph = from_edges(self.firms + len(ids), source, place.to_numpy().astype(np.int32), share)
        scaled, total = whole(graph)
        return Holdings(scaled, total, ids, rows.drop_columns(["firm", "holder"]))

    @cached_property
    def stakes(self) -> Stakes:
        """Ultimate stakes of everyone."""
        return ultimate_stakes(self.holdings.graph, self.settings.ownership.least_stake)

    @cached_property
    def control(self) -> Control:
        """Actual controllers of everyone."""
        return control(self.holdings.graph, self.settings.ownership.majority)

    @cached_property
    def guarantees(self) -> Csr:
        """Guarantor -> firm guaranteed, in cents; a guarantee without an amount weighs 0."""
        self.records.know("guarantee")
        found = self.records.columns(queries.GUARANTEES)
        return self._firm_graph(found)

    @cached_property
    def trade(self) -> Trade:
        """Sales between firms in the window of whole months."""
        first, last = window_months(self.records.as_of, self.settings.trade.months)
        graph = self._firm_graph(self.records.columns(queries.TRADE, first=first, last=last))
        found = self.records.columns(queries.TOTALS, first=first, last=last)
        sales, purchases, reports = np.zeros(self.firms), np.zeros(self.firms), np.zeros(self.firms, bool)
        sales[found["firm"]], purchases[found["firm"]] = found["output"], found["input"]
        reports[found["firm"]] = True
        sold = np.bincount(graph.sources(), graph.weight, self.firms)
        bought = np.bincount(graph.to, graph.weight, self.firms)
        sales = np.where(reports, np.maximum(sales, sold), 0.0)
        return Trade(graph, sales, np.where(reports, np.maximum(purchases, bought), 0.0), reports)

    def _firm_graph(self, found: dict[str, np.ndarray[tuple[int], np.dtype[np.generic]]]) -> Csr:
        source, to = found["source"].astype(np.int32), found["target"].astype(np.int32)
        return from_edges(self.firms, source, to, found["weight"].astype(np.float64)).merged()

    @cached_property
    def people(self) -> Shared:
        """Firms and the people who hold, represent or run them."""
        self.records.know("registry", "registry_holding", "registry_person")
        return self.shared(queries.PEOPLE, white_list().people)

    @cached_property
    def representatives(self) -> Codes:
        """The legal representative of every firm as a number, -1 where none is recorded."""
        self.records.know("registry")
        found = self.records.columns(queries.REPRESENTATIVES)
        out = np.full(self.firms, -1, np.int32)
        out[found["firm"]] = found["person"]
        return out

    def shared(self, query: str, white: list[str], **values: object) -> Shared:
        """Distinct pairs of a query's columns firm (a code) and key (a text), white keys left out."""
        rows = self.records.at.table(queries.SHARED.format(query=query), white=white, **values)
        keys = rows["key"].combine_chunks().dictionary_encode() if len(rows) else None
        code = keys.indices.to_numpy().astype(np.int32) if keys is not None else np.zeros(0, np.int32)
        texts = keys.dictionary if keys is not None else pa.array([], pa.string())
        return Shared(rows["firm"].to_numpy().astype(np.int32), code, texts)

    @cached_property
    def contacts(self) -> dict[str, Shared]:
        """Firms by what they share in the register and in their applications of the window, by kind."""
        self.records.know("registry", "application")
        white = white_list()
        since = self.records.since(self.settings.rings.days)
        lists = {"phone": white.phones, "email": white.emails, "agent": white.agents}
        lists |= {"device": white.devices, "ip": white.ips}
        out = {kind: self.shared(queries.CONTACTS[kind], words, since=since) for kind, words in lists.items()}
        return out | {"address": self._addresses(white.address_words)}

    def _addresses(self, words: list[str]) -> Shared:
        """Firms by normalised address, addresses with a white word left out."""
        rows = self.records.at.table(queries.ADDRESSES)
        texts = rows["address"].combine_chunks().dictionary_encode()
        plain = [plain_address(text) for text in texts.dictionary.to_pylist()]
        meant = [None if not text or any(word in text for word in words) else text for text in plain]
        address = pa.array(meant, pa.string()).take(texts.indices)
        table = pa.table({"firm": rows["firm"], "key": address}).filter(pa.compute.is_valid(address))
        table = table.sort_by([("key", "ascending"), ("firm", "ascending")])
        keys = table["key"].combine_chunks().dictionary_encode()
        return Shared(
            table["firm"].to_numpy().astype(np.int32),
            keys.indices.to_numpy().astype(np.int32),
            keys.dictionary,
        )

    def marked(self, rule: Bad) -> Flags:
        """Firms that are bad at T by ``rule``: on a list, or overdue in the last month reported."""
        self.records.know("court_list", "registry_listing", "credit_list")
        lists = {"court": rule.court, "register": rule.register_, "credit": rule.credit}
        found = self.records.columns(queries.BAD, **lists, days=rule.overdue_days)
        out = np.zeros(self.firms, bool)
        out[found["firm"]] = True
        return out

    @cached_property
    def bad(self) -> Flags:
        """Firms that are dishonest, irregular or overdue at T."""
        return self.marked(self.settings.bad)

    @cached_property
    def seeds(self) -> Codes:
        """Firms confirmed as fraud by a court or an authority, known at T."""
        self.records.know("credit_list")
        found = self.records.columns(queries.SEEDS, lists=self.settings.fraud_seeds)
        return found["firm"].astype(np.int32)

    @cached_property
    def ownership_ties(self) -> Csr:
        """Firms that hold firms, from both ends, each tie 1."""
        graph = self.holdings.graph
        source, to = graph.sources(), graph.to
        among = (source < self.firms) & (to < self.firms)
        return _alike(both_ways(from_edges(self.firms, source[among], to[among])))

    @cached_property
    def person_ties(self) -> Csr:
        """Firms with a person in common, each tie the number of people."""
        return sharing(self.firms, self.people.firm, self.people.key, self.settings.hubs.person)[0]

    @cached_property
    def close_ties(self) -> Csr:
        """Ties of ownership, people and guarantee from both ends, weighted by kind."""
        weights = self.settings.ties
        guarantees = _alike(both_ways(self.guarantees))
        return _sum(
            self.firms,
            [
                (self.ownership_ties, weights.holding),
                (self.person_ties, weights.person),
                (guarantees, weights.guarantee),
            ],
        )

    @cached_property
    def all_ties(self) -> Csr:
        """Close ties, and trade by how much of the smaller side's business it is."""
        trade = self.trade
        share = np.maximum(trade.of_sales, trade.of_purchases)
        part = both_ways(from_edges(self.firms, trade.graph.sources(), trade.graph.to, share))
        return _sum(self.firms, [(self.close_ties, 1.0), (part, self.settings.ties.trade)])

    @cached_property
    def contact_ties(self) -> Csr:
        """Firms that share a telephone, address, device or agent, each tie the number of keys."""
        caps = self.settings.hubs.model_dump()
        found = [(kind, each) for kind, each in sorted(self.contacts.items())]
        return _sum(
            self.firms,
            [(sharing(self.firms, each.firm, each.key, caps[kind])[0], 1.0) for kind, each in found],
        )

    @cached_property
    def everything(self) -> Csr:
        """All ties, and shared contacts: what proximity to fraud runs along."""
        return _sum(self.firms, [(self.all_ties, 1.0), (self.contact_ties, self.settings.ties.shared_key)])

    def related(self, one: Codes, other: Codes) -> Flags:
        """Whether firms ``one[i]`` and ``other[i]`` are related parties (关联方).

        Under the same controller or one the other's, with the same legal representative, or one
        holds at least the threshold (25 %) of the other.
        """
        top, representative = self.control.controller, self.representatives
        same = (top[one] == top[other]) & (top[one] >= 0)
        under = (top[one] == other) | (top[other] == one)
        person = (representative[one] == representative[other]) & (representative[one] >= 0)
        graph = self.holdings.graph
        great = graph.weight >= self.settings.ownership.threshold
        key = np.sort(graph.sources()[great].astype(np.int64) * graph.nodes + graph.to[great])
        held = _among(key, one.astype(np.int64) * graph.nodes + other)
        holds = _among(key, other.astype(np.int64) * graph.nodes + one)
        found: Flags = same | under | person | held | holds
        return found

    @cached_property
    def impact(self) -> Csr:
        """Edge j -> i: the share of i that is lost when j fails, over all kinds of ties, 1 at most."""
        loss, trade, n = self.settings.stress, self.trade, self.firms
        graph, source = trade.graph, trade.graph.sources()
        customers = from_edges(n, graph.to, source, trade.of_sales)
        suppliers = from_edges(n, source, graph.to, trade.of_purchases)
        given, guarantor = self.guarantees, self.guarantees.sources()
        sales = trade.sales[guarantor]
        borne = np.where(sales > 0, np.minimum(given.weight / np.maximum(sales, 1.0), 1.0), 1.0)
        guaranteed = from_edges(n, given.to, guarantor, np.where(given.weight > 0, borne, 0.0))
        held = self.holdings.graph
        among = (held.sources() < n) & (held.to < n)
        holders = from_edges(n, held.to[among], held.sources()[among], held.weight[among])
        parts = [(customers, loss.customer), (suppliers, loss.supplier)]
        parts += [(guaranteed, loss.guaranteed), (holders, loss.holder)]
        total = _sum(n, parts)
        return Csr(total.start, total.to, np.minimum(total.weight, 1.0), total.edge)


def _among(ordered: Ints, key: Ints) -> Flags:
    place = np.searchsorted(ordered, key)
    found: Flags = np.append(ordered, -1)[place] == key
    return found


def _part(weight: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0, np.minimum(weight / np.maximum(whole, 1.0), 1.0), 0.0)


def _alike(graph: Csr) -> Csr:
    return Csr(graph.start, graph.to, np.ones(len(graph.to)), graph.edge)


def _sum(nodes: int, parts: list[tuple[Csr, float]]) -> Csr:
    """The graphs' edges times their factors, added up."""
    source = np.concatenate([part.sources() for part, _ in parts])
    to = np.concatenate([part.to for part, _ in parts])
    weight = np.concatenate([part.weight * factor for part, factor in parts])
    return from_edges(nodes, source, to, weight).merged()
