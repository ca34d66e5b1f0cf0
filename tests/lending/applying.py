"""A bank with a product on its shelf, firms with files and a model, and what they do, for tests of cases."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.consent.people import granted, institution
from tests.lending.bank import person
from tests.portrait.files import sample_file
from xinqiao.account.actor import Actor
from xinqiao.consent.access import Permit
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.kernel.text import Text
from xinqiao.lending import case, deciding
from xinqiao.lending.case_state import Case, get
from xinqiao.lending.product import put_on_shelf
from xinqiao.policy.scorer import scorer_of
from xinqiao.portrait.credit_file import CreditFile, publish
from xinqiao.scoring.card import Bin, Card, Variable
from xinqiao.scoring.model import Model, Peers
from xinqiao.scoring.rating import master_scale

COMPANY = "91330100900000011A"
PRODUCT = "test_loan"
SETS = ["INV", "TAX", "SCORE"]
TEXT = """\
id: test_loan
version: "1.0"
effective: {from: 2015-01-01}
class: credit
pattern: invoice
name: {zh: 测试贷, en: test loan}
summary: {zh: 用于测试, en: for tests}
audience: {zh: 小微企业, en: small firms}
data: {needs: [REG, INV, SCORE]}
score: {worst_grade: R7}
admission:
  - {use: years_least, with: {years: 2}}
limit: {formula: "年开票额 * 0.1", min: 50000, max: 1000000, step: 10000}
pricing:
  min: 0.035
  max: 0.12
  spread: {R1: 0.006, R2: 0.008, R3: 0.01, R4: 0.015, R5: 0.02, R6: 0.025, R7: 0.03, R8: 0.04, R9: 0.05}
tenor: {months: [6, 12], usual: 12}
drawdown: {kind: single}
repayment: {ways: [equal_instalment, interest_only_then_bullet]}
fees:
  - {id: service, name: {zh: 服务费, en: service fee}, kind: upfront, rate: 0.01}
authority:
  - {role: officer, limit_cny: 300000, rate_min: 0.04}
  - {role: approver, limit_cny: 600000, rate_min: 0.035}
  - {role: committee, limit_cny: 1000000, rate_min: 0.03}
flow: {mode: online, steps: [apply]}
"""


def _bin(kind: str, label: str, points: float) -> Bin:
    return Bin.model_validate({"kind": kind, "label": Text(zh=label, en=label), "points": points})


def model() -> Model:
    """A card of one variable on the master scale."""
    months = Variable(
        name="INV28",
        sign=1,
        edges=(12.0,),
        bins=(_bin("range", "< 12", -150), _bin("range", ">= 12", 60), _bin("missing", "missing", -5)),
    )
    return Model(
        card=Card(base_points=600, variables=(months,)),
        scale=master_scale(),
        peers=Peers(overall={"INV28": 20.0}),
    )


MODEL = model()


def scored_file(company: str, **changes: Any) -> CreditFile:  # noqa: ANN401 - fields of the file
    """A company's file with the score that its indicators earn."""
    file = sample_file(company, model_id=MODEL.model_id, **changes)
    values = {name: each.value for name, each in file.indicators.items()}
    return file.model_copy(update={"score": scorer_of(MODEL)(values, {"in_default": file.in_default})})


@dataclass(frozen=True)
class Town:
    """One bank, its people, and a company's agent."""

    database: Database
    bank: UUID
    officer: Actor
    approver: Actor
    second: Actor
    agent: Actor

    def file(self, company: str = COMPANY, **changes: Any) -> None:  # noqa: ANN401 - fields of the file
        """Publish a company's file."""
        with self.database.transaction(SYSTEM) as tx:
            data = (MODEL.model_id, MODEL.to_json())
            publish(tx, [scored_file(company, **changes)], [data])

    def grant(self, company: str = COMPANY, bank: UUID | None = None) -> UUID:
        """The company's grant to the bank."""
        return granted(self.database, bank or self.bank, company=company, data_sets=SETS).id

    def apply(self, agent: Actor | None = None, amount: int = 200_000, **changes: Any) -> UUID:  # noqa: ANN401 - of apply
        """Apply, with a grant given before."""
        by = agent or self.agent
        assert by.company is not None
        bank = changes.get("institution_id", self.bank)
        told = {
            "institution_id": bank,
            "product_id": PRODUCT,
            "amount_cny": Decimal(amount),
            "term_months": 12,
        }
        told |= {"use": "购买原料", **changes}
        if "grant_id" not in told:
            told["grant_id"] = self.grant(by.company, bank)
        with self.database.transaction(by.scope) as tx:
            return case.apply(tx, by, **told)

    def decide(self, case_id: UUID) -> Case:
        """Run the job of the decision."""
        deciding.decide(self.database, str(case_id))
        return self.see(case_id)

    def see(self, case_id: UUID) -> Case:
        """The case as it stands."""
        with self.database.transaction(SYSTEM) as tx:
            return get(tx, case_id)


def agent_of(company: str = COMPANY) -> Actor:
    """A person acting for a company."""
    return Actor("enterprise", frozenset({"enterprise.agent"}), "张示范", person=new_id(), company=company)


def bank_with_product(database: Database, text: str = TEXT) -> UUID:
    """A bank with the product open."""
    bank = institution(database)
    with database.transaction(SYSTEM) as tx:
        put_on_shelf(tx, bank, PRODUCT, source=text)
    return bank


def town(database: Database, text: str = TEXT) -> Town:
    """A bank with the product, and one company with a good file."""
    bank = bank_with_product(database, text)
    made = Town(
        database,
        bank,
        person("officer", name="客户经理甲", institution=bank),
        person("officer", "approver", name="审批人乙", institution=bank),
        person("approver", name="审批人丙", institution=bank),
        agent_of(),
    )
    made.file()
    return made


__all__ = ["COMPANY", "MODEL", "PRODUCT", "Permit", "Town", "agent_of", "bank_with_product", "town"]
