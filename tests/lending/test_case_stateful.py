"""Any order of what people, the machine and time do: the case stays within its rules."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.lending.applying import PRODUCT, Town, agent_of, bank_with_product, town
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import standing
from xinqiao.kernel.errors import UserError
from xinqiao.lending import case, deciding, review
from xinqiao.lending.case_event import events
from xinqiao.lending.case_state import cases
from xinqiao.lending.deadline import sweep
from xinqiao.lending.machine import machine
from xinqiao.lending.offer import Terms, accept, decline, offers

NEED = Decimal(300_000)
AMOUNTS = st.sampled_from([100_000, 200_000, 300_000])
EXPECTED = ("LND-", "CST-")
FIRMS = itertools.count()


class Lives(RuleBasedStateMachine):
    """One firm, one need, two banks; whoever acts sees the case as it stands or one version late."""

    place: Town
    cases_made = Bundle("cases_made")

    def __init__(self) -> None:
        super().__init__()
        self.agent = agent_of(f"91330100{next(FIRMS):09d}A")
        company = str(self.agent.company)
        self.place.file(company)
        self.banks = [self.place.bank, self.second]
        self.grants = {bank: self.place.grant(company, bank) for bank in self.banks}
        with self.place.database.transaction(self.agent.scope) as tx:
            self.request = case.new_request(tx, self.agent, amount_cny=NEED, term_months=12, use="购买原料")

        self.at = datetime.now(UTC)

    second: UUID

    def act(self, actor: Actor, work: Any) -> Any:  # noqa: ANN401 - called with a transaction
        """Do it at the machine's time; only what a person can mend may go wrong."""
        try:
            with standing(self.at), self.place.database.transaction(actor.scope) as tx:
                return work(tx)
        except UserError as error:
            if not error.code.startswith(EXPECTED):
                raise
            return None

    def bank_person(self, case_id: UUID, *, second: bool = False) -> Actor:
        told = self.place.approver if second else self.place.officer
        bank = self.place.see(case_id).institution_id
        return Actor(told.side, told.roles, told.name, person=told.person, institution=bank)

    def version(self, case_id: UUID, late: int) -> int:
        return self.place.see(case_id).version - late

    @rule(target=cases_made, bank=st.integers(0, 1), amount=AMOUNTS, kept=st.booleans())
    def ask(self, bank: int, amount: int, kept: bool) -> Any:  # noqa: ANN401, FBT001 - an id, or multiple()
        chosen = self.banks[bank]
        told = {"institution_id": chosen, "product_id": PRODUCT, "amount_cny": Decimal(amount)}
        told |= {"term_months": 12, "use": "购买原料", "request_id": self.request}
        if kept:
            made = self.act(self.agent, lambda tx: case.draft(tx, self.agent, **told))
        else:
            told["grant_id"] = self.grants[chosen]
            made = self.act(self.agent, lambda tx: case.apply(tx, self.agent, **told))
        return made or multiple()

    @rule(one=cases_made)
    def submit(self, one: UUID) -> None:
        found = self.place.see(one)
        grant = self.grants[found.institution_id]
        self.act(self.agent, lambda tx: case.submit(tx, self.agent, one, found.version, grant))

    @rule(one=cases_made)
    def decided(self, one: UUID) -> None:
        with standing(self.at):
            deciding.decide(self.place.database, str(one))

    @rule(one=cases_made, old=st.booleans())
    def young(self, one: UUID, old: bool) -> None:  # noqa: FBT001 - drawn
        age = 8.0 if old else 0.5
        self.place.file(self.place.see(one).company_id, indicators={"REG01": age})

    @rule(one=cases_made, late=st.integers(0, 1), verb=st.sampled_from(["take", "return", "refuse", "hand"]))
    def bank_acts(self, one: UUID, late: int, verb: str) -> None:
        by, seen = self.bank_person(one), self.version(one, late)
        acts = {
            "take": lambda tx: review.take(tx, by, one, seen),
            "hand": lambda tx: review.hand_over(tx, by, one, seen),
            "return": lambda tx: review.give_back(tx, by, one, seen, wanted=["合同"]),
            "refuse": lambda tx: review.propose_refusal(tx, by, one, seen, codes=["USE"]),
        }
        self.act(by, acts[verb])

    @rule(one=cases_made, amount=AMOUNTS)
    def propose(self, one: UUID, amount: int) -> None:
        by, seen = self.bank_person(one), self.version(one, 0)
        terms = Terms(Decimal(amount), Decimal("0.05"), 12, "equal_instalment")
        self.act(by, lambda tx: review.propose_offer(tx, by, one, seen, terms=terms))

    @rule(one=cases_made, second=st.booleans(), agrees=st.booleans())
    def judge(self, one: UUID, second: bool, agrees: bool) -> None:  # noqa: FBT001 - drawn
        by, seen = self.bank_person(one, second=second), self.version(one, 0)
        if agrees:
            self.act(by, lambda tx: review.approve(tx, by, one, seen))
        else:
            self.act(by, lambda tx: review.send_back(tx, by, one, seen))

    @rule(one=cases_made, late=st.integers(0, 1), verb=st.sampled_from(["withdraw", "resubmit", "human"]))
    def company_acts(self, one: UUID, late: int, verb: str) -> None:
        seen = self.version(one, late)
        acts = {
            "withdraw": lambda tx: case.withdraw(tx, self.agent, one, seen),
            "resubmit": lambda tx: case.resubmit(tx, self.agent, one, seen),
            "human": lambda tx: case.ask_human(tx, self.agent, one, seen),
        }
        self.act(self.agent, acts[verb])

    @rule(one=cases_made, takes=st.booleans())
    def answers(self, one: UUID, takes: bool) -> None:  # noqa: FBT001 - drawn
        with self.place.database.transaction(self.agent.scope) as tx:
            found = [offer.id for offer in offers(tx, case_id=one)]
        if found:
            answer = accept if takes else decline
            self.act(self.agent, lambda tx: answer(tx, self.agent, found[-1]))

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.at += timedelta(days=days)
        with standing(self.at):
            sweep(self.place.database)

    @invariant()
    def events_replay_to_the_row(self) -> None:
        """Every version has its event, each a way of the machine, and together they give the state."""
        with self.place.database.transaction(self.agent.scope) as tx:
            for row in cases(tx):
                told, state = events(tx, row.id), ""
                for number, event in enumerate(told, 1):
                    assert (event.seq, event.from_state) == (number, state)
                    assert machine().target(event.transition, state, "") == event.to_state
                    state = event.to_state
                assert (state, len(told)) == (row.state, row.version)
                open_offers = [offer for offer in offers(tx, case_id=row.id) if offer.state == "open"]
                assert (row.state == "offered") == bool(open_offers)

    @invariant()
    def no_more_is_accepted_than_needed(self) -> None:
        with self.place.database.transaction(self.agent.scope) as tx:
            taken = sum(o.amount_cny for o in offers(tx, request_id=self.request) if o.state == "accepted")
            assert taken == case.request(tx, self.request).accepted_cny <= NEED

    @invariant()
    def nobody_decided_alone(self) -> None:
        with self.place.database.transaction(SYSTEM) as tx:
            alone = tx.execute("SELECT 1 FROM case_proposal WHERE decided_by = proposed_by").fetchone()
        assert alone is None


@pytest.mark.slow
def test_whatever_happens_in_whatever_order(database: Database) -> None:
    place = town(database)
    bank = bank_with_product(database)

    class InThisTown(Lives):
        pass

    InThisTown.place, InThisTown.second = place, bank
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    told = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(InThisTown, settings=told)  # type: ignore[no-untyped-call] # hypothesis' own


def test_a_version_seen_by_two_is_used_by_one(database: Database) -> None:
    place = town(database)
    found = place.decide(place.apply(amount=400_000))
    done, by = [], [place.officer, place.approver]

    def take(who: Actor) -> None:
        with database.transaction(who.scope) as tx:
            review.take(tx, who, found.id, found.version)
            done.append(who.name)

    with ThreadPoolExecutor(2) as pool:
        errors = [each.exception() for each in [pool.submit(take, who) for who in by]]
    assert len(done) == 1
    assert [e.code for e in errors if isinstance(e, UserError)] == ["LND-VERSION-STATE"]
    assert place.see(found.id).version == found.version + 1
