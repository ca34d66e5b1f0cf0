"""The tables of the graph: their columns with types, and the contract fields they rest on."""

from __future__ import annotations

from dataclasses import dataclass

Reads = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RelationTable:
    """A table of the graph: column -> Ibis type name (company_id comes first), contract -> fields used.

    ``needs``: contracts without which there is no row; the others add to it where delivered.
    """

    id: str
    columns: dict[str, str]
    reads: Reads
    needs: tuple[str, ...]


_HOLDING: Reads = {
    "registry_holding": (
        "company_id",
        "holder_id",
        "holder_kind",
        "share",
        "held_from",
        "held_until",
        "known_on",
    )
}
_PERSON: Reads = {
    "registry_person": ("company_id", "person_hash", "role", "held_from", "held_until", "known_on")
}
_REGISTER: Reads = {"registry": ("company_id", "kind", "legal_representative_hash", "known_on")}
_GUARANTEE: Reads = {
    "guarantee": ("company_id", "guaranteed_id", "amount_cents", "signed_on", "ended_on", "known_on")
}
_TRADE: Reads = {
    "invoice": (
        *("company_id", "direction", "issued_on", "counterparty_id", "amount_cents"),
        *("status", "status_known_on", "known_on"),
    )
}
_APPLICATION: Reads = {
    "application": (
        *("company_id", "application_no", "applied_on", "amount_cents", "industry_code"),
        *("device_hash", "ip_hash", "agent_hash", "phone_hash", "known_on"),
    )
}
_BAD: Reads = {
    "court_list": ("company_id", "list", "listed_on", "removed_on", "known_on"),
    "registry_listing": ("company_id", "list", "listed_on", "removed_on", "known_on"),
    "credit_list": ("company_id", "list", "listed_on", "removed_on", "known_on"),
    "credit_month": ("company_id", "account_no", "month", "days_past_due", "known_on"),
}
_FRAUD: Reads = {"credit_list": _BAD["credit_list"]}

_DECLARED = (
    RelationTable(
        "relation_control",
        {
            "company_id": "string",
            "controller_id": "string",  # who casts the majority of the votes; null: nobody or unknown
            "controller_kind": "string",  # person | company
            "controller_known": "int64",  # 1: there is a controller and it is known; 0: not
            "controller_share": "float64",  # its ultimate stake, without one the largest holder's
            "controller_votes": "float64",  # share of the votes it casts
            "layers": "int64",  # firms on the shortest chain from the controller, 1 = holds directly
            "ultimate_holders": "int64",  # with a stake of at least the threshold (25 %)
            "largest_stake": "float64",  # of an ultimate holder
            "unknown_share": "float64",  # of the equity: holders not recorded or without a share
            "circular_share": "float64",  # of the equity: held in a circle with nobody at its end
            "over_held": "int64",  # 1: its recorded shares add up to more than 100 %
            "same_control": "int64",  # other companies under the same controller
        },
        _HOLDING,
        ("registry_holding",),
    ),
    RelationTable(
        "relation_guarantee",
        {
            "company_id": "string",
            "scc_size": "int64",  # firms that all stand behind one another, 1 = in no circle
            "in_cycle": "int64",  # 1: on a guarantee cycle
            "cycle_length": "int64",  # of the shortest one it is on, up to the cap; null: none
            "mutual": "int64",  # firms it guarantees that guarantee it
            "guaranteed": "int64",  # firms it guarantees
            "guarantors": "int64",  # firms that guarantee it
            "depth": "int64",  # longest chain of guarantees that starts at it, circles counted as one
            "reach": "int64",  # firms it stands behind, directly or through others
            "network_size": "int64",  # firms joined by guarantees in any direction
            "given_cents": "int64",
            "received_cents": "int64",
        },
        _GUARANTEE,
        ("guarantee",),
    ),
    RelationTable(
        "relation_neighbours",
        {
            "company_id": "string",
            "neighbours": "int64",  # firms one tie away: a holder, a person in common, a guarantee
            "bad_neighbours": "int64",  # of these, dishonest, irregular or overdue as known at T
            "two_hop": "int64",  # further firms two ties away
            "bad_two_hop": "int64",
        },
        _HOLDING | _PERSON | _REGISTER | _GUARANTEE | _BAD,
        ("registry",),
    ),
    RelationTable(
        "relation_community",
        {
            "company_id": "string",
            "community_size": "int64",  # Louvain, ties of ownership, people, guarantee and trade
            "other_members": "int64",  # without itself
            "other_bad": "int64",  # of these, bad as known at T
        },
        _HOLDING | _PERSON | _REGISTER | _GUARANTEE | _TRADE | _BAD,
        ("registry",),
    ),
    RelationTable(
        "relation_ring",
        {
            "company_id": "string",
            "device_firms_30d": "int64",  # other firms that applied from its devices in the 30 days to T
            "ip_firms_30d": "int64",
            "agent_applications_30d": "int64",  # applications of its agents in the 30 days, its own included
            "agent_alike_30d": "int64",  # of these by other firms, of the same industry and a like amount
            "phone_firms": "int64",  # other firms with its telephone, white list left out
            "address_firms": "int64",
            "ring_size": "int64",  # firms joined by shared telephone, address, device, e-mail or agent
            "ring_keys": "int64",  # such keys it shares with other firms
        },
        _APPLICATION
        | {"registry": ("company_id", "address", "phone_hash", "email_hash", "agent_hash", "known_on")},
        ("application",),
    ),
    RelationTable(
        "relation_proximity",
        {
            "company_id": "string",
            "ppr": "float64",  # personalised PageRank from firms confirmed as fraud at T
            "ppr_percentile": "float64",  # share of companies with less, 0 to 1
            "seeds": "int64",
        },
        _HOLDING | _PERSON | _REGISTER | _GUARANTEE | _TRADE | _APPLICATION | _FRAUD,
        ("registry", "credit_list"),
    ),
    RelationTable(
        "relation_trade",
        {
            "company_id": "string",
            "output_cents": "int64",  # valid sales of 12 whole months; null: its invoices are unknown
            "related_cents": "int64",  # of these, to related parties
            "mutual_cents": "int64",  # sold to firms that sold back to it: the smaller of both ways
            "circular_cents": "int64",  # of these, on circles of 3 to 5 firms: smallest edge, each yuan once
            "circles": "int64",  # simple cycles of 3 to 5 it is on
            "buyers": "int64",  # firms with a code it sold to
            "sellers": "int64",
            "upstream_tier": "float64",  # mean stages of supply before it, 1 = buys from no firm here
            "downstream_tier": "float64",  # mean stages after it, 1 = sells to no firm here; null as above
            "core_dependence": "float64",  # largest share of its sales that one core firm takes
            "core_id": "string",  # that core firm; null: it sells to none
            "is_core": "int64",
            "dependants": "int64",  # firms that sell the core share or more to it
        },
        _TRADE | _HOLDING | _PERSON | _REGISTER,
        ("invoice",),
    ),
    RelationTable(
        "relation_contagion",
        {
            "company_id": "string",
            "failing_customers": "float64",  # share of its sales to failing firms
            "failing_suppliers": "float64",  # share of its purchases from failing firms
            "failing_guaranteed_cents": "int64",  # guarantees given for failing firms
            "failing_holders": "float64",  # share of its equity held by failing firms
            "direct_stress": "float64",  # 0 to 1, from failing neighbours
            "stress": "float64",  # 0 to 1, after it has spread (DebtRank)
        },
        _TRADE | _GUARANTEE | _HOLDING | _BAD,
        ("invoice",),
    ),
)

RELATION_TABLES: dict[str, RelationTable] = {table.id: table for table in _DECLARED}
"""The tables of the graph by id."""
