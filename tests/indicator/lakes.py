"""Small lakes written straight to Parquet from literal rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.source.contract import contracts
from xinqiao.source.lake import Lake

Row = dict[str, Any]
Tables = dict[str, list[Row]]

T = date(2024, 12, 31)


class RowLake(Lake):
    """A lake of literal rows; a field counts as delivered when some row has it."""

    def __init__(self, root: Path, tables: Tables, parts: int = 1) -> None:
        super().__init__(root)
        self._files: dict[str, list[Path]] = {}
        self._fields: dict[str, frozenset[str]] = {}
        for contract_id, rows in tables.items():
            schema = contracts()[contract_id].schema
            self._fields[contract_id] = frozenset(name for row in rows for name in row)
            self._files[contract_id] = []
            for part in range(parts):
                path = root / f"{contract_id}-{part}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                pq.write_table(pa.Table.from_pylist(rows[part::parts], schema=schema), path)
                self._files[contract_id].append(path)

    def files(self, contract_id: str) -> list[Path]:
        return self._files.get(contract_id, [])

    def fields(self, contract_id: str) -> frozenset[str]:
        return self._fields.get(contract_id, frozenset())


_numbers = count()


def record(contract_id: str, day: date, company: str = "A", **fields: Any) -> Row:  # noqa: ANN401 - any field
    """A row of ``contract_id`` of ``day``, known that day: every field there, with a number of its own."""
    contract = contracts()[contract_id]
    row: Row = dict.fromkeys(contract.fields)
    for name, field in contract.fields.items():
        if field.required:
            row[name] = field.values[0] if field.values else next(_numbers) if field.type == "int" else None
        if name in contract.keys and field.type == "id":
            row[name] = f"{contract_id}-{next(_numbers)}"
    unknown = fields.keys() - row.keys()
    assert not unknown, unknown
    return row | {contract.event: day, contract.known: day, contract.company: company} | fields


def firm(company: str, **changes: Any) -> Row:  # noqa: ANN401 - any field of the contract
    """A register entry."""
    return {
        "company_id": company,
        "name": f"示例-{company}",
        "status": "active",
        "established_on": date(2020, 1, 1),
        "legal_representative_hash": f"p-{company}",
        "registered_capital_cents": 100_000_000,
        "paid_in_capital_cents": 40_000_000,
        "address": f"示例市{company}路1号",
        "industry_code": "51",
        "phone_hash": f"t-{company}",
        "known_on": date(2020, 1, 1),
    } | changes


def sale(company: str, day: date, cny: float, buyer: str = "X", **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A valid sales invoice of ``cny`` without tax, known on its day."""
    cents = round(cny * 100)
    return {
        "company_id": company,
        "direction": "output",
        "invoice_no": "1",
        "issued_on": day,
        "counterparty": buyer,
        "amount_cents": cents,
        "tax_cents": 0,
        "total_cents": cents,
        "status": "valid",
        "known_on": day,
    } | changes


def purchase(company: str, day: date, cny: float, seller: str = "Y", **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A valid purchase invoice."""
    return sale(company, day, cny, seller, **({"direction": "input"} | changes))


def months(year: int, numbers: Iterable[int], day: int = 10) -> list[date]:
    """One day in each of the months."""
    return [date(year, number, day) for number in numbers]
