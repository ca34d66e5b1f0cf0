"""Credit files made by hand for tests of what reads them."""

from __future__ import annotations

from datetime import date
from typing import Any

from xinqiao.indicator.definition import indicators
from xinqiao.portrait.credit_file import CreditFile, Edge, Month, Register, Value

PLAIN = {"INV01": 6_000_000.0, "INV02": 0.12, "INV04": 0.0, "INV05": 0.4, "INV06": 0.03, "INV28": 40.0}
PLAIN |= {"REG01": 6.5, "REG08": 0.0, "REG10": 0.0, "TAX05": 5_800_000.0, "SOC01": 23.0}


def sample_file(company_id: str = "91330100900000011A", **changes: Any) -> CreditFile:  # noqa: ANN401 - fields of the file
    """A healthy small firm; ``indicators`` in ``changes`` (plain numbers or None) go over the usual ones."""
    values = {**PLAIN, **changes.pop("indicators", {})}
    given = {k: Value(value=v) if v is not None else Value(missing="NO_RECORDS") for k, v in values.items()}
    rest = {k: Value(missing="SOURCE_ABSENT") for k in indicators() if k not in given}
    told: dict[str, Any] = {
        "company_id": company_id,
        "as_of": date(2025, 12, 31),
        "generated": True,
        "model_id": "m" * 16,
        "register_": Register(
            name=f"示范企业{company_id[-4:]}",
            uscc=company_id,
            kind="company",
            status="active",
            industry="C1310",
            division="330102",
            established_on=date(2019, 6, 1),
            size="small",
        ),
        "indicators": given | rest,
        "score": {"points": 640.0, "pd": 0.012, "grade": "R4", "contributions": []},
        "radar": {},
        "months": tuple(Month(month=date(2025, m, 1), sales=5e5, purchases=3e5) for m in range(1, 13)),
        "edges": (
            Edge(source=company_id, target="91330100900000022B", kind="invoice", cents=10**7, count=9),
        ),
    }
    return CreditFile(**{**told, **changes})
