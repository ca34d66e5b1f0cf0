"""What a run knows of each company besides its indicators: register entry, default, records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import duckdb
import pandas as pd

from xinqiao.scoring.segment import INDUSTRY, KIND
from xinqiao.source.contract import contracts
from xinqiao.source.lake import Lake

LEAST_PEERS = 30
"""An industry with fewer companies is compared with everyone."""

_REGISTER = """
    SELECT company_id, name, industry_code, division_code, kind
    FROM read_parquet(?)
    WHERE known_on <= ?
    QUALIFY row_number() OVER (PARTITION BY company_id ORDER BY known_on DESC, _file DESC, _line DESC) = 1
    ORDER BY company_id
"""
_IN_DEFAULT = "SELECT DISTINCT company_id FROM read_parquet(?) WHERE known_on <= ? AND default_on <= ?"


@dataclass(frozen=True, slots=True)
class Company:
    """A company as the register has it.

    ``peer_group`` is its industry division, None when too small; ``division`` its district's code,
    ``industry`` its code of GB/T 4754 and ``kind`` its registered kind, as registered.
    """

    id: str
    name: str
    peer_group: str | None
    in_default: bool
    division: str | None
    industry: str | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one contract about one company known at a date."""

    rows: int
    first: date | None
    last: date | None


def companies(lake: Lake, as_of: date) -> list[Company]:
    """Every company in the register known at ``as_of``, by id.

    A default counts when it happened and was known by ``as_of``; outcomes without a date do not
    (docs/decisions/0004).
    """
    files = [str(p) for p in lake.files("registry")]
    if not files:
        return []
    with duckdb.connect() as connection:
        rows = connection.execute(_REGISTER, [files, as_of]).fetchall()
        credit = [str(p) for p in lake.files("credit")]
        bad = connection.execute(_IN_DEFAULT, [credit, as_of, as_of]).fetchall() if credit else []
    in_default = {company for (company,) in bad}
    industries = [_industry(code) for _, _, code, _, _ in rows]
    sizes = Counter(industries)
    return [
        Company(
            id=key,
            name=name,
            peer_group=group if sizes[group] >= LEAST_PEERS else None,
            in_default=key in in_default,
            division=district,
            industry=code or None,
            kind=kind,
        )
        for (key, name, code, district, kind), group in zip(rows, industries, strict=True)
    ]


def with_facts(frame: pd.DataFrame, known: Iterable[Company]) -> pd.DataFrame:
    """``frame`` (indexed by company) with the facts of the register a segmented model reads."""
    facts = {c.id: (c.kind, c.industry) for c in known}
    found = [facts.get(key, (None, None)) for key in frame.index]
    columns = {KIND: [kind for kind, _ in found], INDUSTRY: [industry for _, industry in found]}
    return frame.assign(**{name: pd.Series(v, frame.index, dtype=object) for name, v in columns.items()})


def _industry(code: str | None) -> str | None:
    """Section letter and division of an industry code (GB/T 4754): C13 of C1310, 13 of 1310."""
    if not code:
        return None
    return code[:3] if code[0].isalpha() else code[:2]


def records(lake: Lake, as_of: date) -> dict[str, dict[str, Records]]:
    """Contract -> company -> its records known at ``as_of``; contracts without data are absent."""
    found: dict[str, dict[str, Records]] = {}
    with duckdb.connect() as connection:
        for contract in contracts().values():
            files = [str(p) for p in lake.files(contract.id)]
            if not files:
                continue
            query = (
                f"SELECT {contract.company}, count(*), min({contract.event}), max({contract.event}) "  # noqa: S608 - names come from our catalog
                f"FROM read_parquet(?) WHERE {contract.known} <= ? GROUP BY ALL"
            )
            rows = connection.execute(query, [files, as_of]).fetchall()
            found[contract.id] = {key: Records(n, first, last) for key, n, first, last in rows}
    return found


def last_event(lake: Lake, contract_id: str) -> date | None:
    """The last event date of a contract's records; None without records."""
    files = [str(p) for p in lake.files(contract_id)]
    if not files:
        return None
    with duckdb.connect() as connection:
        query = f"SELECT max({contracts()[contract_id].event}) FROM read_parquet(?)"  # noqa: S608 - a name from our catalog
        found: date | None = connection.execute(query, [files]).fetchall()[0][0]
    return found
