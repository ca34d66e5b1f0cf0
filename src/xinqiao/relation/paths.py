"""The chains of holdings behind a stake: its evidence."""

from __future__ import annotations

from dataclasses import dataclass

from xinqiao.relation.csr import Csr

LONGEST = 12
"""Layers followed; what longer chains carry is in the stake but not listed."""
MOST = 200
"""Chains listed for one firm, in the order found."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A simple path: ``nodes`` from the firm to the holder, the share at each step, and their product."""

    nodes: tuple[int, ...]
    shares: tuple[float, ...]

    @property
    def product(self) -> float:
        """What the chain adds to the holder's stake."""
        out = 1.0
        for share in self.shares:
            out *= share
        return out


def chains(holdings: Csr, firm: int, ends: set[int], least: float = 1e-4) -> list[Chain]:
    """Simple paths from ``firm`` up to the holders ``ends``, each of a product of at least ``least``.

    Paths that run round a circle are not listed one by one: a stake may be more than its chains' sum.
    The greatest products come first.
    """
    found: list[Chain] = []
    stack: list[tuple[tuple[int, ...], tuple[float, ...], float]] = [((firm,), (), 1.0)]
    while stack and len(found) < MOST:
        nodes, shares, product = stack.pop()
        if nodes[-1] in ends and len(nodes) > 1:
            found.append(Chain(nodes, shares))
        if len(nodes) > LONGEST:
            continue
        rows = slice(holdings.start[nodes[-1]], holdings.start[nodes[-1] + 1])
        for holder, share in zip(holdings.to[rows].tolist(), holdings.weight[rows].tolist(), strict=True):
            if holder not in nodes and product * share >= least:
                stack.append(((*nodes, holder), (*shares, share), product * share))
    return sorted(found, key=lambda chain: (-chain.product, chain.nodes))
