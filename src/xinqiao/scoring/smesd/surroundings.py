"""What the graph says of a firm: its people and partners, their other firms, and their lawsuits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from xinqiao.relation import typed
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.smesd.features import Features, ratio
from xinqiao.scoring.smesd.read import Firms

PEOPLE = {"supervised": (0,), "executed": (2,), "stakeholder": (4,), "person_invests": (9,)}
"""Edges from a firm to a person, by the person's part."""
PARTNERS = {
    "invests": (6,),
    "invested": (7,),
    "branch": (10,),
    "branched": (11,),
    "loan": (12,),
    "loaned": (16,),
    "deal": (13, 17),
    "other": (14, 15, 18, 19),
}
"""Edges from a firm to a firm; each is there in both directions, each direction with its own type."""
KINDS = PEOPLE | PARTNERS
KEEP, STEPS = 0.3, 20  # of the spread of lawsuits through the graph


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Matrices over the firms of a split.

    ``links`` by kind: (firms, nodes) weights; ``partners``: firms with a direct edge; ``shared``: in
    how many people two firms meet; ``near``: 1 for firms joined in either way; all but the first
    (firms, firms). ``component`` (firms,) numbers the connected parts of ``near``.
    """

    links: dict[str, sparse.csr_array]
    partners: sparse.csr_array
    shared: sparse.csr_array
    near: sparse.csr_array
    component: NDArray[np.int32]


def surroundings(split: Firms) -> Surroundings:
    """The matrices of ``split``; edges of unknown types are left out."""
    known = split.edges[split.edges["type"].isin([k for kinds in KINDS.values() for k in kinds])]
    firms = split.nodes
    others = pd.Index(np.unique(known[["source", "target"]].to_numpy())).difference(firms)
    nodes, n = firms.append(others), len(firms)
    ends = (nodes.get_indexer(pd.Index(known["source"])), nodes.get_indexer(pd.Index(known["target"])))
    kind, weight = known["type"].to_numpy(np.int64), known["weight"].to_numpy(np.float64)
    links = {k: m[:n] for k, m in typed.typed_links(len(nodes), ends, kind, weight, KINDS).items()}
    partners = typed.union([links[k][:, :n] for k in PARTNERS])
    people = typed.present(_roles_of(links))
    shared = typed.meeting(people, people)
    near = typed.union([partners, partners.T.tocsr(), shared])
    _, component = sparse.csgraph.connected_components(near, directed=False)
    return Surroundings(links, partners, shared, near, component)


def _roles_of(links: dict[str, sparse.csr_array]) -> sparse.csr_array:
    """In how many parts a person stands to a firm, (firms, nodes)."""
    return typed.counted([links[part] for part in PEOPLE])


def graph_features(split: Firms, around: Surroundings, own: Features) -> Features:
    """Everything of the graph; ``own`` are the firms' own features by name."""
    out = _degrees(around) | _owners(split, around) | _roles(around, own)
    two = typed.beyond(around.near)
    for name, links in (
        ("partners", around.partners),
        ("shared", typed.present(around.shared)),
        ("two", two),
    ):
        out |= _neighbours(name, links, own)
    for kind in ("invests", "invested", "branch", "branched", "loan", "loaned"):
        links = typed.union([around.links[kind][:, : len(split.firms)]])
        out[f"{kind}_lost"], out[f"{kind}_suits"] = links @ own["lost"], links @ own["suits"]
    out |= _near(around, own, out["people"])
    return out


def _degrees(around: Surroundings) -> Features:
    out = {f"degree_{k}": _sums(typed.present(m)) for k, m in around.links.items()}
    roles = _roles_of(around.links)
    people = typed.present(roles)
    out["people"] = _sums(people)
    out["roles_a_person"] = ratio(_sums(roles), out["people"])
    out["roles_most"] = np.asarray(roles.max(axis=1).toarray(), dtype=np.float64).ravel()
    busy = roles.copy()
    busy.data = (busy.data > 1).astype(np.float64)
    out["people_of_many_roles"] = _sums(busy)
    out["firms_a_person"] = typed.row_max(people, np.asarray(people.sum(axis=0)), empty=0.0)
    out["firms_by_people"] = _sums(typed.present(around.shared))
    out["ties_by_people"] = _sums(around.shared)
    out["most_ties"] = np.asarray(around.shared.max(axis=1).toarray(), dtype=np.float64).ravel()
    pairs = (
        ("supervised", "executed"),
        ("person_invests", "executed"),
        ("person_invests", "supervised"),
        ("stakeholder", "person_invests"),
    )
    for a, b in pairs:
        both = typed.present(around.links[a]).multiply(typed.present(around.links[b]))
        out[f"{a}_and_{b}"] = _sums(sparse.csr_array(both))
    return out


def _owners(split: Firms, around: Surroundings) -> Features:
    """Stakes, in 10,000 CNY, against the capital; how concentrated they are; who holds them."""
    capital = split.firms["registered_capital_wan"].to_numpy(np.float64)
    holders = sparse.csr_array(around.links["person_invests"] + around.links["invested"])
    top, squares = typed.concentration(holders)
    total, by_firms = _sums(holders), _sums(around.links["invested"])
    out = {"stake_top": top, "stake_squares": squares, "stakes_by_capital": ratio(total, capital)}
    out["stakes_of_firms"] = ratio(by_firms, total)
    for kind in ("person_invests", "invests", "invested"):
        stakes = around.links[kind]
        out[f"sum_{kind}"] = _sums(stakes)
        out[f"most_{kind}"] = np.asarray(stakes.max(axis=1).toarray(), dtype=np.float64).ravel()
        out[f"capital_{kind}"] = ratio(out[f"sum_{kind}"], capital)
    return out


def _roles(around: Surroundings, own: Features) -> Features:
    """Other firms reached through people of one part, and the cases those firms lost."""
    people, out = typed.present(_roles_of(around.links)), {}
    for part in PEOPLE:
        reached = typed.present(typed.meeting(typed.present(around.links[part]), people))
        out[f"{part}_firms"], out[f"{part}_lost"] = _sums(reached), reached @ own["lost"]
    return out


def _neighbours(name: str, links: sparse.csr_array, own: Features) -> Features:
    summed = ("suits", "claims", "result_2", "lost", "suits_12m", "suits_36m", "lost_fading_18")
    out = {f"{name}_{s}": links @ own[s] for s in summed}
    sued = (own["suits"] > 0).astype(np.float64)
    out |= {f"{name}_count": _sums(links), f"{name}_sued": links @ sued}
    meant = {"sued": sued, "lost": own["lost"], "capital": np.log1p(np.nan_to_num(own["capital"]))}
    meant |= {"age": np.nan_to_num(own["age"]), "paid": np.nan_to_num(own["paid_share"], nan=1.0)}
    return out | {f"{name}_mean_{m}": typed.row_mean(links, v) for m, v in meant.items()}


def _near(around: Surroundings, own: Features, people: Floats) -> Features:
    near, capital = around.near, np.nan_to_num(own["capital"])
    count, size = _sums(near), np.log1p(capital)
    last = np.where(np.isnan(own["suit_months_min"]), -np.inf, -own["suit_months_min"])
    recent = -typed.row_max(near, last)
    return {
        "near": count,
        "near_lost": near @ own["lost"],
        "near_claims": near @ own["claims"],
        "near_lost_most": typed.row_max(near, own["lost"], empty=0.0),
        "near_last_suit": np.where(np.isinf(recent), np.nan, recent),
        "near_capital_most": typed.row_max(near, capital, empty=0.0),
        "near_people": typed.row_mean(near, people),
        "near_near": typed.row_mean(near, count),
        "capital_beside_near": size - typed.row_mean(near, size),
        "lost_around": typed.spread(near, np.log1p(own["lost"]), KEEP, STEPS),
    }


def _sums(links: sparse.csr_array) -> Floats:
    return np.asarray(links.sum(axis=1), dtype=np.float64)
