"""People of an institution as its pages name them: in the tables, not only in the test."""

from __future__ import annotations

from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, new_id


def enrol(database: Database, institution: UUID, *people: Actor) -> None:
    """Write the people and that they belong to the institution."""
    with database.transaction(SYSTEM) as tx:
        for who in people:
            told = [who.person, who.name]
            tx.execute("INSERT INTO person (id, name, made_at) VALUES (%s, %s, now())", told)
            tx.execute(
                "INSERT INTO membership (id, person_id, institution_id, role, basis, given_at) "
                "VALUES (%s, %s, %s, %s, 'onboarding', now())",
                [new_id(), who.person, institution, min(who.roles)],
            )
