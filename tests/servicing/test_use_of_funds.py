"""A drawing says what for, and whom it is paid to where the product pays the seller."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.lending.applying import agent_of, town
from tests.servicing.lent import Books, written
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.servicing.use_of_funds import Funds, funds_of

RULE = "use: {allowed: [stock, equipment], forbidden: [securities], entrusted_cny: 50000}\n"
SELLER = Funds("stock", "示范供货商", "0000 0000 0001")


@pytest.fixture
def bank(database: Database) -> Books:
    return Books(database, town(database, written("revolving") + RULE))


def kept(bank: Books, loan: UUID) -> Funds | None:
    with bank.database.transaction(bank.place.agent.scope) as tx:
        return funds_of(tx, loan)


@pytest.mark.parametrize("purpose", ["securities", "working_capital", "", "none_such"])
def test_what_the_product_does_not_allow_is_refused(bank: Books, purpose: str) -> None:
    of = bank.facility()
    with pytest.raises(UserError, match="SRV-PURPOSE") as said:
        bank.draw(of, 20_000, funds=Funds(purpose))
    assert "采购原料和存货、购置设备" in str(said.value)
    assert bank.used("facility") == 0


def test_above_the_products_sum_the_seller_is_named(bank: Books) -> None:
    of = bank.facility()
    free = bank.draw(of, 50_000, funds=Funds("stock"))
    for payee in (("", ""), ("示范供货商", ""), ("示范供货商", "12"), ("", "0000 0000 0001")):
        with pytest.raises(UserError, match="SRV-PAYEE"):
            bank.draw(of, "50000.01", funds=Funds("stock", *payee))
    paid = bank.draw(of, "50000.01", funds=SELLER, key="k-1")
    assert (kept(bank, free), kept(bank, paid)) == (Funds("stock"), SELLER)
    assert bank.draw(of, "50000.01", funds=SELLER, key="k-1") == paid
    with pytest.raises(UserError, match="SRV-KEY-STATE"):
        bank.draw(of, "50000.01", funds=Funds("equipment", "示范供货商", "0000 0000 0001"), key="k-1")
    assert bank.faults() == []


def test_a_product_that_pays_sellers_only_wants_the_seller_always(database: Database) -> None:
    text = written("revolving").replace("{kind: revolving}", "{kind: revolving, paid_to: seller}")
    bank = Books(database, town(database, text))
    of = bank.facility()
    with pytest.raises(UserError, match="SRV-PAYEE"):
        bank.draw(of, 10_000)
    bank.draw(of, 10_000, funds=SELLER)


def test_it_is_never_changed_and_nobody_elses_to_see(bank: Books) -> None:
    loan = bank.draw(bank.facility(), 20_000, funds=Funds("stock"))
    stranger = agent_of("91330100000000099A")
    with bank.database.transaction(stranger.scope) as tx:
        assert funds_of(tx, loan) is None
    with bank.database.transaction(SYSTEM) as tx:
        assert tx.execute("UPDATE loan_use SET purpose = 'securities'").rowcount == 0
    assert kept(bank, loan) == Funds("stock")
