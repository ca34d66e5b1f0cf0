"""Bin sums with a dealer: the bins as a matrix of zeros and ones, times the numbers, by secret sharing.

The product is Beaver's (``protocol.sharing``): the bins travel once under a mask, the numbers under a fresh
mask for each question, and the asker learns the sums when the teller opens its share. Some hundred times
less arithmetic than encryption, but a dealer that colludes with one party learns the other's input. Of
joined bins the asker also learns which they were. The dealer has no data; it learns the numbers of rows,
of bins and of questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import ROWS_AT_MOST
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.modelling.bin_sums import Bins, Groups, Long, Nodes, Sums, checked_each, parted
from xinqiao.privacy.protocol.dealer import Dealer
from xinqiao.privacy.protocol.sharing import Held, Member, Ring

BLOCK_BYTES = 1 << 28
"""Bytes of a masked matrix in one message."""
BINS_AT_MOST = 1 << 16
FEATURES_AT_MOST = 1 << 12


class DealerAsker:
    """The side with the numbers."""

    def __init__(self, link: Link, tellers: Mapping[str, int], dealer: str, rows: int) -> None:
        """``tellers``: each with its number of features."""
        self._link, self._tellers, self._dealer, self._rows = link, dict(tellers), dealer, rows
        self._edges: dict[str, Long] = {}
        self._members: dict[str, Member] = {}
        self._held: dict[str, list[Held]] = {}
        self._shares: dict[str, list[Ring]] = {}
        self._values = np.zeros(rows, np.int64)
        for name, features in tellers.items():
            edges = _edges(link, name, features)
            link.send(dealer, "bins.shape", pack({"rows": rows, "edges": edges}))
            self._members[name] = Member(link, (link.me, name), dealer)
            self._held[name] = [
                self._members[name].hold(name, (end - first, rows)) for first, end in blocks(edges, rows)
            ]
            self._edges[name] = edges

    def offer(self, values: Long) -> None:
        """See Asker."""
        self._values = values

    def ask(self, nodes: Nodes) -> Mapping[str, Sequence[Sums]]:
        """See Asker."""
        worked = nodes.worked()
        columns = np.stack([np.where(nodes.place == node, self._values, 0) for node, _ in worked], axis=1)
        self._link.send(self._dealer, "bins.columns", pack({"columns": len(worked)}))
        return {name: self._asked(name, nodes, columns.view(np.uint64)) for name in self._tellers}

    def end(self) -> None:
        """See Asker."""
        self._link.send(self._dealer, "bins.columns", pack({"columns": 0}))

    def _asked(self, name: str, nodes: Nodes, columns: Ring) -> list[Sums]:
        shares = shared(self._members[name], self._held[name], columns)
        shares = whole(nodes, shares, self._shares.get(name, []))
        self._shares[name] = shares
        return [self._heard(name, share) for share in shares]

    def _heard(self, name: str, share: Ring) -> Sums:
        told = unpack(self._link.receive(name, "bins.sums"), name, firsts=np.ndarray, sums=np.ndarray)
        edges = self._edges[name]
        firsts, sums = told["firsts"], told["sums"]
        fits = firsts.ndim == 1 and firsts.dtype == np.int64 and sums.dtype == np.uint64
        if not fits or sums.shape != firsts.shape or not np.isin(edges[:-1], firsts).all():
            fail("PRV-MESSAGE", name, detail="sums")
        if (np.diff(firsts) <= 0).any() or firsts[0] != 0 or firsts[-1] >= edges[-1]:
            fail("PRV-MESSAGE", name, detail="groups")
        each = np.diff(np.searchsorted(firsts, edges))
        checked_each(each, self._tellers[name], BINS_AT_MOST, name)
        return parted((np.add.reduceat(share, firsts) + sums).view(np.int64), each)


class DealerTeller:
    """The side with the bins."""

    def __init__(self, link: Link, asker: str, dealer: str, bins: Bins) -> None:
        self._link, self._asker, self._bins = link, asker, bins
        rows = len(bins.codes)
        link.send(asker, "bins.edges", pack({"edges": bins.edges}))
        self._member = Member(link, (asker, link.me), dealer)
        self._held = [
            self._member.hold(link.me, (end - first, rows), _matrix(bins, first, end))
            for first, end in blocks(bins.edges, rows)
        ]
        self._shares: list[Ring] = []
        self._groups = Groups(bins)

    def take(self) -> None:
        """See Teller."""

    def tell(self, nodes: Nodes, least: int) -> list[Long]:
        """See Teller."""
        zeros = np.zeros((len(self._bins.codes), len(nodes.worked())), np.uint64)
        self._shares = whole(nodes, shared(self._member, self._held, zeros), self._shares)
        told = self._groups.of(nodes, least)
        for share, firsts in zip(self._shares, told, strict=True):
            sums = np.add.reduceat(share, firsts)
            self._link.send(self._asker, "bins.sums", pack({"firsts": firsts, "sums": sums}))
        return told


def deal(link: Link, asker: str, tellers: Sequence[str]) -> None:
    """The dealer's part, until the asker ends it."""
    held = []
    for name in tellers:
        told = unpack(link.receive(asker, "bins.shape"), asker, rows=int, edges=np.ndarray)
        edges = _checked(told["edges"], asker)
        if not 0 < told["rows"] <= ROWS_AT_MOST:
            fail("PRV-MESSAGE", asker, detail="rows")
        dealer = Dealer(link, (asker, name))
        shapes = [(end - first, told["rows"]) for first, end in blocks(edges, told["rows"])]
        held.append((dealer, [dealer.hold(name, shape) for shape in shapes]))
    while columns := unpack(link.receive(asker, "bins.columns"), asker, columns=int)["columns"]:
        if not 0 < columns <= 1 << 8:
            fail("PRV-MESSAGE", asker, detail="columns")
        for dealer, matrices in held:
            dealer.products((matrix, columns) for matrix in matrices)


def shared(member: Member, held: Sequence[Held], columns: Ring) -> list[Ring]:
    """This party's shares of the bins' sums, one array (bins,) a column."""
    products = member.products([(matrix, columns) for matrix in held])
    return [np.ascontiguousarray(column) for column in np.concatenate(products).T]


def whole(nodes: Nodes, shares: Sequence[Ring], before: Sequence[Ring]) -> list[Ring]:
    """Shares of all nodes, those not asked for got from their parent's and sibling's."""
    found: dict[int, Ring] = {}
    for (node, sibling), share in zip(nodes.worked(), shares, strict=True):
        found[node] = share
        if sibling is not None:
            found[sibling] = before[nodes.parents[node]] - share
    return [found[node] for node in range(len(nodes.parents))]


def blocks(edges: Long, rows: int) -> list[tuple[int, int]]:
    """First and end of runs of bins whose masked matrix fits a message."""
    most = max(1, BLOCK_BYTES // (8 * max(rows, 1)))
    return [(first, min(first + most, int(edges[-1]))) for first in range(0, int(edges[-1]), most)]


def _matrix(bins: Bins, first: int, end: int) -> Ring:
    """(bins, rows): 1 where the row is in the bin."""
    matrix = np.zeros((end - first, len(bins.codes)), np.uint64)
    for codes in bins.codes.T:
        here = np.flatnonzero((codes >= first) & (codes < end))
        matrix[codes[here] - first, here] = 1
    return matrix


def _edges(link: Link, name: str, features: int) -> Long:
    edges = _checked(unpack(link.receive(name, "bins.edges"), name, edges=np.ndarray)["edges"], name)
    if len(edges) != features + 1:
        fail("PRV-MESSAGE", name, detail="edges")
    return edges


def _checked(edges: np.ndarray[tuple[int, ...], np.dtype[np.int64]], source: str) -> Long:
    fits = edges.ndim == 1 and edges.dtype == np.int64 and 1 < len(edges) <= FEATURES_AT_MOST
    if not fits or edges[0] != 0 or (np.diff(edges) < 1).any() or edges[-1] > BINS_AT_MOST:
        fail("PRV-MESSAGE", source, detail="edges")
    return edges
