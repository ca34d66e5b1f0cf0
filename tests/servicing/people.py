"""People whom approvals know: rows for the actors of a town."""

from __future__ import annotations

from tests.servicing.lent import Books
from xinqiao.db.database import SYSTEM, new_id
from xinqiao.kernel.clock import now


def known(bank: Books) -> Books:
    """The bank, its three people registered."""
    place = bank.place
    with bank.database.transaction(SYSTEM) as tx:
        for actor in (place.officer, place.approver, place.second):
            tx.execute(
                "INSERT INTO person (id, name, made_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [actor.person, actor.name, now()],
            )
            tx.execute(
                "INSERT INTO membership (id, person_id, institution_id, role, basis, given_at) "
                "VALUES (%s, %s, %s, 'bank.officer', 'onboarding', %s) ON CONFLICT DO NOTHING",
                [new_id(), actor.person, bank.bank, now()],
            )
    return bank
