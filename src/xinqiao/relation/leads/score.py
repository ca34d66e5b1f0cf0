"""How well the rules find what was planted: recall and precision against a truth that is known.

Only a generated region has such a truth. It is a table of (rule, scheme, company_id, first, last,
innocent): ``innocent`` members look like the pattern and have a good reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from xinqiao.kernel.period import add_months
from xinqiao.relation.leads.find import Leads

TOGETHER = "*"
TRUTH = pa.schema(
    {
        "rule": pa.string(),
        "scheme": pa.string(),
        "company_id": pa.string(),
        "first": pa.date32(),
        "last": pa.date32(),
        "innocent": pa.bool_(),
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """One rule, or all (rule ``*``): firms planted for it, of these found, and all firms it named.

    ``schemes`` were planted, ``touched`` of them had at least one member found; ``innocents`` are
    look-alikes of the rule, ``accused`` of them were named all the same. ``guilty`` of the firms named
    were planted for this rule or for another one.
    """

    rule: str
    planted: int
    found: int
    schemes: int
    touched: int
    named: int
    guilty: int
    innocents: int
    accused: int

    @property
    def recall(self) -> float | None:
        """Share of planted firms found; None when none was planted."""
        return self.found / self.planted if self.planted else None

    @property
    def precision(self) -> float | None:
        """Share of named firms that were planted for this rule or another; None when it named nobody."""
        return self.guilty / self.named if self.named else None


def score(leads: Leads, truth: pa.Table) -> list[Found]:
    """Every rule asked, then all together, against schemes active in the 12 months the rules look back.

    ``truth`` holds the columns of ``TRUTH``; a day not given is no limit.
    """
    since = add_months(leads.as_of, -12)
    rows = [
        row
        for row in truth.to_pylist()
        if (row["first"] is None or row["first"] <= leads.as_of)
        and (row["last"] is None or row["last"] > since)
    ]
    everyone = {row["company_id"] for row in rows if not row["innocent"]}
    # low leads are kept in view but ask nobody to act (clients of one bookkeeping agent, say)
    named = {(lead.rule, lead.company_id) for lead in leads.leads if lead.severity != "low"}
    found = [_found(rule, [r for r in rows if r["rule"] == rule], named, everyone) for rule in leads.asked]
    meant = [row for row in rows if row["rule"] in leads.asked]
    together = _found(TOGETHER, meant, {(TOGETHER, company) for _, company in named}, everyone)
    return [*found, together]


def _found(
    rule: str, rows: Iterable[dict[str, object]], named: set[tuple[str, str]], everyone: set[object]
) -> Found:
    mine = {company for name, company in named if name == rule}
    rows = list(rows)
    planted = {row["company_id"] for row in rows if not row["innocent"]}
    innocent = {row["company_id"] for row in rows if row["innocent"]} - planted - everyone
    schemes = {row["scheme"] for row in rows if not row["innocent"]}
    touched = {row["scheme"] for row in rows if not row["innocent"] and row["company_id"] in mine}
    return Found(
        rule=rule,
        planted=len(planted),
        found=len(planted & mine),
        schemes=len(schemes),
        touched=len(touched),
        named=len(mine),
        guilty=len(mine & everyone),
        innocents=len(innocent),
        accused=len(innocent & mine),
    )
