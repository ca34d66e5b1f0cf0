"""Generated graphs for the benchmarks: holdings, trade, shared contacts, ties; arrays in one .npz a size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SEED = 20_260_101
LAYERS = 0.03
"""Share of firm holders that may stand anywhere, so that circles arise; the others stand before the firm."""
HUB = 200
KEY_CAP = 30

Arrays = dict[str, np.ndarray]


def path_of(folder: Path, firms: int) -> Path:
    return folder / f"graph-{firms}.npz"


def write(folder: Path, firms: int) -> None:
    """Everything for ``firms`` firms: 3 stakes, 10 trades, 3 ties and 3 contacts a firm."""
    if not path_of(folder, firms).exists():
        rng = np.random.default_rng(SEED)
        parts = [_holdings(rng, firms), _trade(rng, firms), _contacts(rng, firms), _ties(rng, firms)]
        np.savez(path_of(folder, firms), **{name: each for part in parts for name, each in part.items()})


def read(folder: Path, firms: int) -> Arrays:
    with np.load(path_of(folder, firms)) as stored:
        return dict(stored)


def _holdings(rng: np.random.Generator, firms: int) -> Arrays:
    """Firm and holder (people after the firms) of each stake; shares of a firm add up to 1."""
    count = rng.choice([1, 2, 3, 4, 5], firms, p=[0.1, 0.25, 0.3, 0.25, 0.1])
    firm = np.repeat(np.arange(firms), count)
    person = firms + rng.integers(0, firms + firms // 4, len(firm))
    below = (rng.random(len(firm)) * firm).astype(np.int64)
    anywhere = rng.integers(0, firms, len(firm))
    by_firm = np.where(rng.random(len(firm)) < LAYERS, anywhere, below)
    holder = np.where((rng.random(len(firm)) < 0.8) | (by_firm == firm), person, by_firm)
    pair = np.unique(firm * (3 * firms) + holder)
    firm, holder = np.divmod(pair, 3 * firms)
    weight = rng.gamma(0.7, size=len(firm)) + 0.01
    share = weight / np.bincount(firm, weight)[firm]
    return {"held": firm.astype(np.int32), "holder": holder.astype(np.int32), "share": share}


def _trade(rng: np.random.Generator, firms: int) -> Arrays:
    """10 edges a firm among 4 times as many parties: few buyers buy much; circles of 3 to 5 are planted."""
    nodes, edges = 4 * firms, 10 * firms
    seller = rng.integers(0, nodes, edges)
    buyer = (nodes * rng.random(edges) ** 2).astype(np.int64)
    ring = firms // 100
    for length in (3, 4, 5):
        members = rng.integers(0, nodes, (ring, length))
        seller = np.append(seller, members.ravel())
        buyer = np.append(buyer, np.roll(members, -1, axis=1).ravel())
    pair = np.unique((seller * nodes + buyer)[seller != buyer])
    seller, buyer = np.divmod(pair, nodes)
    return {"seller": seller.astype(np.int32), "buyer": buyer.astype(np.int32)}


def _contacts(rng: np.random.Generator, firms: int) -> Arrays:
    """3 keys a firm: most its own, some of a few firms, some of agents with hundreds."""
    firm = np.repeat(np.arange(firms), 3)
    own = np.arange(3 * firms)
    few = 3 * firms + rng.integers(0, 6 * firms // 10, 3 * firms)
    agent = 4 * firms + rng.integers(0, max(1, firms // 1000), 3 * firms)
    kind = rng.random(3 * firms)
    key = np.where(kind < 0.75, own, np.where(kind < 0.97, few, agent))
    pair = np.unique(firm * (5 * firms) + key)
    firm, key = np.divmod(pair, 5 * firms)
    _, key = np.unique(key, return_inverse=True)
    return {"contact_firm": firm.astype(np.int32), "contact_key": key.astype(np.int32)}


def _ties(rng: np.random.Generator, firms: int) -> Arrays:
    """3 undirected ties a firm, some firms with hundreds; 5 % of the firms are bad."""
    one = rng.integers(0, firms, 3 * firms)
    other = (firms * rng.random(3 * firms) ** 1.5).astype(np.int64)
    low, high = np.minimum(one, other), np.maximum(one, other)
    pair = np.unique((low * firms + high)[low != high])
    low, high = np.divmod(pair, firms)
    return {"one": low.astype(np.int32), "other": high.astype(np.int32), "bad": rng.random(firms) < 0.05}
