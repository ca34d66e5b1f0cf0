"""An accepted case of a town, and the steps by which its contract is signed, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tests.lending.applying import TEXT, Town, town
from xinqiao.account.actor import Actor
from xinqiao.consent.grants import Proof
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import now
from xinqiao.kernel.protect import Keyring, new_key
from xinqiao.lending.case_state import get
from xinqiao.lending.offer import accept, offers
from xinqiao.servicing import contract_signing as signing
from xinqiao.servicing.contract import draw

READ_SECONDS = 20
ALONE = TEXT.replace("limit_cny: 300000, rate_min: 0.04", "limit_cny: 300000, rate_min: 0.03")
"""One person signs for the bank: the rate is within the first rung of authority."""
PRODUCT_TEXT = ALONE.replace("steps: [apply]", f"steps: [apply], forced_reading_seconds: {READ_SECONDS}")


def ring(suite: str = "international") -> Keyring:
    """A fresh ring of one key."""
    return Keyring({"k1": new_key()}, "k1", suites={"k1": suite})


@dataclass(frozen=True)
class Desk:
    """Where a contract is drawn up and signed."""

    place: Town
    keys: Keyring
    case_id: UUID

    @property
    def database(self) -> Database:
        return self.place.database

    @property
    def state(self) -> str:
        return self.place.see(self.case_id).state

    @property
    def version(self) -> int:
        return self.place.see(self.case_id).version

    def draw(self) -> None:
        """Run the job."""
        draw(self.database, str(self.case_id), self.keys)

    def show(self) -> None:
        with self.database.transaction(self.place.agent.scope) as tx:
            signing.show_sheet(tx, self.place.agent, self.case_id)

    def sign_sheet(self, proof: Proof | None = None) -> None:
        with self.database.transaction(self.place.agent.scope) as tx:
            signing.sign_sheet(tx, self.keys, self.place.agent, self.case_id, proof or fresh())

    def sign(self) -> None:
        agent, version = self.place.agent, self.version
        with self.database.transaction(agent.scope) as tx:
            signing.sign(tx, self.keys, agent, self.case_id, version=version, proof=fresh())

    def countersign(self, by: Actor | None = None) -> None:
        who, version = by or self.place.officer, self.version
        with self.database.transaction(who.scope) as tx:
            signing.countersign(tx, self.keys, who, self.case_id, version=version, proof=fresh())

    def propose(self, by: Actor | None = None) -> None:
        who = by or self.place.officer
        with self.database.transaction(who.scope) as tx:
            signing.propose_signature(tx, who, self.case_id)

    def open_limit(self) -> None:
        signing.open_limit(self.database, str(self.case_id))


def fresh() -> Proof:
    """A person who has just signed in."""
    return Proof("session", now())


def desk(database: Database, keys: Keyring | None = None, text: str = ALONE, amount: int = 200_000) -> Desk:
    """A case whose offer was accepted, in a bank whose people are in the database."""
    place = town(database, text)
    with database.transaction(SYSTEM) as tx:
        for each in (place.officer, place.approver, place.second):
            tx.execute(
                "INSERT INTO person (id, name, made_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [each.person, each.name, now()],
            )
        tx.execute(
            "INSERT INTO company (id, name, uscc) VALUES (%s, %s, %s) ON CONFLICT (id) DO UPDATE "
            "SET name = excluded.name, uscc = excluded.uscc",
            [place.agent.company, "示范制造有限公司", place.agent.company],
        )
    case_id = place.apply(amount=amount)
    assert place.decide(case_id).state == "offered", place.see(case_id)
    with database.transaction(place.agent.scope) as tx:
        (offer,) = offers(tx, case_id=case_id)
        accept(tx, place.agent, offer.id)
        assert get(tx, case_id).state == "accepted"
    return Desk(place, keys or ring(), case_id)


__all__ = ["ALONE", "PRODUCT_TEXT", "READ_SECONDS", "TEXT", "Desk", "desk", "fresh", "ring"]
