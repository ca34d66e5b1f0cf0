"""A bank with a grant and a firm with everything on file, for tests of the workbench's pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.consent.people import granted, institution
from tests.lending.bank import person
from tests.portrait.files import sample_file
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.lending.own_card import read_card
from xinqiao.portrait.credit_file import CreditFile, Edge, Month, Value, publish
from xinqiao.relation.leads.rule import rules
from xinqiao.scoring.model import Model, Peers
from xinqiao.scoring.rating import master_scale

FIRM, OTHER, THIRD = "91330100900000011A", "91330100900000022B", "91330100900000033C"
MAN = "a3f1" * 16
SETS = ["INV", "TAX", "SOC", "BNK", "CRD", "NET", "XC", "SCORE", "LEADS"]
PURPOSES = ["pre_approval", "credit_decision", "post_loan"]


@dataclass(frozen=True, slots=True)
class Bank:
    """People of one bank; ``stranger`` is of another."""

    editor: Actor
    approver: Actor
    officer: Actor
    stranger: Actor


def bank(database: Database) -> Bank:
    own, other = institution(database), institution(database)
    with database.transaction(SYSTEM) as tx:
        model = small_model()
        files = [full_file(), sample_file(OTHER), sample_file(THIRD)]
        files = [file.model_copy(update={"model_id": model.model_id}) for file in files]
        publish(tx, files, [(model.model_id, model.to_json())])
    granted(database, own, purposes=PURPOSES, data_sets=SETS)
    return Bank(
        person("product", name="产品经理甲", institution=own),
        person("approver", "officer", name="审批人乙", institution=own),
        person("officer", name="客户经理丙", institution=own),
        person("officer", "product", "approver", name="他行丁", institution=other),
    )


CARD = """variable,low,high,words,points
base,,,,560
INV28,,12,,-20
INV28,12,36,,5
INV28,36,,,25
INV28,,,missing,-5
INV05,,0.5,,20
INV05,0.5,,,-15
INV05,,,missing,0
"""


def small_model() -> Model:
    """A model of two indicators, so that the page can explain a score."""
    card = read_card(CARD.encode(), "card.csv")
    return Model(card=card, scale=master_scale(), peers=Peers(overall={"INV28": 20.0, "INV05": 0.6}))


def full_file() -> CreditFile:
    """The firm with leads, ties, news, forecast, checks and a red flag."""
    plain = {"XC01": 0.32, "XC02": 0.06, "XC06": 0.32, "XC07": 23.0, "BNK04": 420_000.0, "BNK12": 0.31}
    plain |= {"CRD08": 0.42, "CRD09": 800_000.0, "REG11": 0.0, "REG02": 5_000_000.0}
    file = sample_file(FIRM, indicators=plain)
    values = file.indicators | {"XC01": Value(value=0.32, flagged=True)}
    radar = {"standing": 72.0, "operations": 61.0, "growth": 48.0, "discipline": 83.0, "compliance": 90.0}
    radar |= {"capital": 55.0, "solvency": 38.0, "collateral": 66.0}
    coming = tuple(
        Month(month=date(2026, m, 1), value=5e5 + m * 1e4, low=4e5, high=6.5e5) for m in range(1, 7)
    )
    return file.model_copy(
        update={
            "indicators": values,
            "radar": radar,
            "radar_peers": "C|small",
            "ahead": {"sales": coming, "cash": coming},
            "news": tuple(_news(i) for i in range(4)),
            "leads": (_lead("high"), _lead("low")),
            "edges": _edges(),
            "names": {FIRM: "示范精密零件有限公司", OTHER: "示范贸易有限公司", THIRD: "示范物流有限公司"},
        }
    )


def _news(i: int) -> dict[str, Any]:
    month = date(2025 - i // 2, 3 + i, 1).isoformat()
    titles = ["示范精密零件被指拖欠货款", "示范精密零件涉诉"]
    return {"month": month, "negative": i + 1, "kinds": ["arrears"], "titles": titles}


def _lead(severity: str) -> dict[str, Any]:
    records = [
        {"contract": "invoice", "key": f"04400{i}", "day": "2025-11-0" + str(i + 1), "cents": 10**7}
        for i in range(3)
    ]
    edges = [{"source": FIRM, "target": OTHER, "kind": "invoice", "cents": 10**7, "count": 3}]
    edges += [{"source": OTHER, "target": FIRM, "kind": "invoice", "cents": 10**7, "count": 2}]
    return {
        "rule": next(iter(rules())),
        "company_id": FIRM,
        "severity": severity,
        "figures": {"circle_cny": 300_000.0, "firms": 2, "share": 0.4},
        "records": records,
        "edges": edges,
        "records_total": 12,
        "edges_total": 2,
    }


def _edges() -> tuple[Edge, ...]:
    return (
        Edge(source=FIRM, target=OTHER, kind="invoice", cents=123_456_700, count=31),
        Edge(source=OTHER, target=THIRD, kind="invoice", cents=23_456_700, count=5),
        Edge(source=MAN, target=FIRM, kind="legal_representative"),
        Edge(source=MAN, target=THIRD, kind="holding", share=0.6, cents=10**8),
        Edge(source=FIRM, target=THIRD, kind="guarantee", cents=80_000_000, count=1),
        *(
            Edge(source=FIRM, target=f"9133010090000{i:04d}X", kind="invoice", cents=10**6 * i, count=i)
            for i in range(1, 9)
        ),
    )
