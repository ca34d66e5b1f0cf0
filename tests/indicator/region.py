"""Random small regions as hypothesis strategies: every contract, with voids, versions and late news."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.indicator.lakes import Row, T, Tables

COMPANIES = ["A", "B", "C", "E", "F"]
START = date(2022, 10, 1)

companies = st.sampled_from(COMPANIES)
days = st.integers(0, (T - START).days + 60).map(lambda n: START + timedelta(days=n))
lags = st.sampled_from([0, 0, 0, 1, 40, 400])


def _optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


@st.composite
def invoice(draw: st.DrawFn) -> Row:
    day, cents = draw(days), draw(st.integers(-300_000, 1_100_000))
    buyer = draw(st.sampled_from([*COMPANIES, "Z"]))
    return {
        "company_id": draw(companies),
        "direction": draw(st.sampled_from(["input", "output", "output"])),
        "invoice_no": "1",
        "issued_on": day,
        "issued_at": draw(st.sampled_from([None, "03:00:00", "12:30:00", "22:00:00"])),
        "counterparty": buyer,
        "counterparty_id": draw(st.sampled_from([None, buyer, buyer])),
        "counterparty_kind": draw(st.sampled_from([None, "company", "person"])),
        "goods_code": draw(st.sampled_from([None, "0101", "0202", "0303"])),
        "amount_cents": cents,
        "tax_cents": 0,
        "total_cents": cents,
        "status": draw(st.sampled_from(["valid", "valid", "void"])),
        "status_known_on": draw(_optional(lags.map(lambda n: day + timedelta(days=n)))),
        "original_issued_on": draw(_optional(st.integers(0, 200).map(lambda n: day - timedelta(days=n)))),
        "known_on": day + timedelta(days=draw(lags)),
    }


@st.composite
def register(draw: st.DrawFn) -> Row:
    return {
        "company_id": draw(companies),
        "name": "示例",
        "status": draw(st.sampled_from(["active", "revoked", "cancelled", None])),
        "established_on": draw(_optional(days)),
        "legal_representative_hash": draw(st.sampled_from([None, "p", "q"])),
        "registered_capital_cents": draw(st.sampled_from([None, 0, 100_000, 700_000])),
        "paid_in_capital_cents": draw(st.sampled_from([None, 0, 50_000])),
        "address": draw(st.sampled_from([None, "示例路1号", "示例路 １ 号"])),
        "industry_code": draw(st.sampled_from([None, "51", "F52", "30"])),
        "phone_hash": draw(st.sampled_from([None, "t", "u"])),
        "known_on": draw(days),
    }


@st.composite
def event(draw: st.DrawFn) -> dict[str, Any]:
    """Fields shared by the records of changes, lists and encumbrances; `tables` picks from them."""
    day = draw(days)
    end = draw(_optional(st.integers(0, 300).map(lambda n: day + timedelta(days=n))))
    return {
        "company_id": draw(companies),
        "day": day,
        "end": end,
        "known_on": day + timedelta(days=draw(lags)),
    }


def _change(row: Row, item: str) -> Row:
    return {
        "company_id": row["company_id"],
        "changed_on": row["day"],
        "item": item,
        "known_on": row["known_on"],
    }


def _listing(row: Row, kind: str) -> Row:
    listed = {"company_id": row["company_id"], "list": kind, "known_on": row["known_on"]}
    return listed | {"listed_on": row["day"], "removed_on": row["end"]}


def _encumbrance(row: Row, kind: str) -> Row:
    return {
        "company_id": row["company_id"],
        "registration_no": row["day"].isoformat()[-1],
        "kind": kind,
        "registered_on": row["day"],
        "released_on": row["end"],
        "equity_share": row["day"].day / 64 if row["day"].day % 5 else None,
        "debt_cents": row["day"].day * 100 if row["day"].day % 3 else None,
        "known_on": row["known_on"],
    }


def _report(row: Row) -> Row:
    return {
        "company_id": row["company_id"],
        "report_year": row["day"].year,
        "due_on": row["day"],
        "published_on": row["end"],
        "known_on": row["known_on"],
    }


def _kinds(*kinds: str) -> st.SearchStrategy[str]:
    return st.sampled_from(kinds)


def tables(most: int = 40) -> st.SearchStrategy[Tables]:
    """A lake of up to ``most`` invoices and a few rows of every other contract."""
    few = most // 6
    return st.fixed_dictionaries(
        {
            "invoice": st.lists(invoice(), min_size=1, max_size=most),
            "registry": st.lists(register(), max_size=few),
            "registry_change": st.lists(
                st.builds(_change, event(), _kinds("legal_representative", "shareholder", "address")),
                max_size=few,
            ),
            "registry_listing": st.lists(
                st.builds(_listing, event(), _kinds("irregular", "serious_violation")), max_size=few
            ),
            "registry_encumbrance": st.lists(
                st.builds(
                    _encumbrance, event(), _kinds("equity_freeze", "equity_pledge", "chattel_mortgage")
                ),
                max_size=few,
            ),
            "registry_annual_report": st.lists(st.builds(_report, event()), max_size=few),
        }
    )
