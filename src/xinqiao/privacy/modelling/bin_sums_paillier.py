"""Bin sums between two parties: the numbers travel encrypted, are added under encryption, come back blinded.

As SecureBoost does it (Cheng et al., IEEE Intelligent Systems 36(6), 2021), with Paillier's encryption,
numbers packed as 64-bit slots and siblings got by division of the parent's ciphertext; or with Okamoto and
Uchiyama's, which is faster. Parties follow the
protocol and are curious. The teller sees ciphertexts only; the asker sees freshly blinded ciphertexts of the
sums, whose random factors are independent of the rows that went in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.okamoto_uchiyama import OkamotoPublicKey, OkamotoUchiyama
from xinqiao.privacy.crypto.paillier import (
    KEY_BITS,
    Integer,
    Paillier,
    PrivateKey,
    PublicKey,
    checked_key,
    integer,
)
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.modelling.bin_sums import Bins, Groups, Long, Nodes, Sums, checked_each, parted

BINS_AT_MOST = 1 << 16
CHUNK = 10_000
"""Ciphertexts in one message: 5 MB at 2,048 bits, a few seconds' work, so that no party waits long."""


SCHEMES: Mapping[str, tuple[Callable[[int], PrivateKey], type[PublicKey]]] = {
    "paillier": (Paillier.generate, PublicKey),
    "okamoto_uchiyama": (OkamotoUchiyama.generate, OkamotoPublicKey),
}


class PaillierAsker:
    """The side with the numbers and the key."""

    def __init__(
        self, link: Link, tellers: Mapping[str, int], scheme: str = "paillier", bits: int = KEY_BITS
    ) -> None:
        """``tellers``: each with its number of features. The key is fresh in every job."""
        self._link, self._tellers, self._key = link, dict(tellers), SCHEMES[scheme][0](bits)
        public = self._key.public
        for name in tellers:
            link.send(name, "bins.key", pack({"n": public.n, "residue": public.residue}))

    def offer(self, values: Long) -> None:
        """See Asker."""
        for start in range(0, len(values), CHUNK):
            part = self._key.encrypt(values[start : start + CHUNK].tolist())
            payload = pack({"values": self._key.public.to_bytes(part)})
            for name in self._tellers:
                self._link.send(name, "bins.values", payload)

    def ask(self, nodes: Nodes) -> Mapping[str, Sequence[Sums]]:
        """See Asker."""
        return {name: [self._heard(name) for _ in nodes.parents] for name in self._tellers}

    def end(self) -> None:
        """See Asker."""

    def _heard(self, name: str) -> Sums:
        told = unpack(self._link.receive(name, "bins.sums"), name, each=np.ndarray, sums=np.ndarray)
        each = checked_each(told["each"], self._tellers[name], BINS_AT_MOST, name)
        public, count = self._key.public, int(each.sum())
        ciphertexts = public.from_bytes(told["sums"], name)
        if len(ciphertexts) != -(-count // public.slots):
            fail("PRV-MESSAGE", name, detail="sums")
        return parted(self._key.parted(ciphertexts, count), each)


class PaillierTeller:
    """The side with the bins."""

    def __init__(
        self, link: Link, asker: str, bins: Bins, scheme: str = "paillier", bits: int = KEY_BITS
    ) -> None:
        self._link, self._asker, self._bins = link, asker, bins
        told = unpack(link.receive(asker, "bins.key"), asker, n=int, residue=int)
        self._key = checked_key(SCHEMES[scheme][1](told["n"], told["residue"]), asker, bits)
        self._values: list[Integer] = []
        self._sums: list[list[Integer]] = []
        self._groups = Groups(bins)

    def take(self) -> None:
        """See Teller."""
        rows, values = len(self._bins.codes), list[Integer]()
        while len(values) < rows:
            told = unpack(self._link.receive(self._asker, "bins.values"), self._asker, values=np.ndarray)
            found = self._key.from_bytes(told["values"], self._asker)
            if len(found) != min(CHUNK, rows - len(values)):
                fail("PRV-MESSAGE", self._asker, detail="values")
            values += found
        self._values = values

    def tell(self, nodes: Nodes, least: int) -> list[Long]:
        """See Teller."""
        self._sums = self._summed(nodes)
        told = self._groups.of(nodes, least)
        for sums, firsts in zip(self._sums, told, strict=True):
            joined = self._key.joined(self._grouped(sums, firsts))
            payload = pack({"each": self._bins.each(firsts), "sums": self._key.to_bytes(joined)})
            self._link.send(self._asker, "bins.sums", payload)
        return told

    def _summed(self, nodes: Nodes) -> list[list[Integer]]:
        found: dict[int, list[Integer]] = {}
        modulus = self._key.modulus
        for node, sibling in nodes.worked():
            found[node] = self._added(nodes.rows(node))
            if sibling is not None:
                whole = self._sums[nodes.parents[node]]
                pairs = zip(whole, found[node], strict=True)
                found[sibling] = [w if a == 1 else w * pow(a, -1, modulus) % modulus for w, a in pairs]
        return [found[node] for node in range(len(nodes.parents))]

    def _added(self, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[Integer]:
        """Product of the rows' ciphertexts in each bin.

        A few features are taken as one with a cell for each combination, so that a row costs one product
        for all of them; the cells are added up to each feature's bins after.
        """
        bins, modulus = self._bins, self._key.modulus
        values = [self._values[row] for row in rows.tolist()]
        told = [integer(1)] * bins.total
        for first, end in together(np.diff(bins.edges).tolist(), len(rows)):
            sizes = np.diff(bins.edges)[first:end]
            digits = bins.codes[rows, first:end] - bins.edges[first:end]
            cells = np.ravel_multi_index(tuple(digits.T), tuple(sizes.tolist())) if len(rows) else []
            held: dict[int, Integer] = {}
            for cell, value in zip(np.asarray(cells).tolist(), values, strict=True):
                before = held.get(cell)
                held[cell] = value if before is None else before * value % modulus
            places = np.stack(np.unravel_index(np.array(list(held), np.int64), sizes), axis=1)
            for where, value in zip((places + bins.edges[first:end]).tolist(), held.values(), strict=True):
                for place in where:
                    told[place] = told[place] * value % modulus
        return told

    def _grouped(self, sums: Sequence[Integer], firsts: Long) -> list[Integer]:
        modulus, told = self._key.modulus, []
        ends = [*firsts.tolist()[1:], len(sums)]
        for first, end in zip(firsts.tolist(), ends, strict=True):
            product = integer(1)
            for value in sums[first:end]:
                product = product * value % modulus
            told.append(product)
        return told


def together(sizes: Sequence[int], rows: int) -> list[tuple[int, int]]:
    """Runs of features, first and end, that are summed as one so that products are few."""
    told, first = [], 0
    while first < len(sizes):
        end, cells = first + 1, sizes[first]
        cost = float(rows + min(cells, rows))
        while end < len(sizes):
            cells *= sizes[end]
            count = end - first + 1
            wider = (rows + count * min(cells, rows)) / count
            if wider >= cost:
                break
            cost, end = wider, end + 1
        told.append((first, end))
        first = end
    return told
