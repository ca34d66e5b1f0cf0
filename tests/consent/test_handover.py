from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.consent.people import COMPANY, institution, officer
from tests.portrait.files import sample_file
from xinqiao.account.actor import Actor
from xinqiao.consent.access import permit
from xinqiao.consent.handover import Handed, hand_over, prepare, register_key, take_back
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.suite import GUOMI, INTERNATIONAL, CryptoSuite
from xinqiao.portrait.credit_file import publish


@pytest.mark.parametrize("suite", [INTERNATIONAL, GUOMI], ids=["international", "guomi"])
def test_only_what_the_platform_signed_becomes_a_grant(database: Database, suite: CryptoSuite) -> None:
    bank, outside = institution(database), institution(database, "holder")
    client = Actor("holder", frozenset({"api.platform"}), "gov", institution=outside, client="c1")
    pair = suite.generate()
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(COMPANY)])
        register_key(tx, "gov-1", outside, pair.public, suite)
    last = today() + timedelta(days=30)
    terms = Handed(COMPANY, bank, ["credit_decision"], ["INV"], last, now(), "gov-1", "")
    with database.transaction(client.scope) as tx:
        document = prepare(tx, terms).document
    good = replace(terms, signature=base64.b64encode(suite.sign(pair, document)).decode())
    for wrong in (
        terms,
        replace(good, data_sets=["INV", "TAX"]),
        replace(good, key="gov-2"),
        replace(good, agreed_at=now() - timedelta(days=2)),
        replace(good, company_id="91330100900000099X"),
    ):
        with pytest.raises(UserError, match="CST-HANDOVER"), database.transaction(client.scope) as tx:
            hand_over(tx, client, wrong)
    with database.transaction(client.scope) as tx:
        made = hand_over(tx, client, good)
    reader = officer(bank)
    with database.transaction(reader.scope) as tx:
        assert permit(tx, reader, COMPANY, "credit_decision").grant_id == made.id
    with database.transaction(client.scope) as tx:
        take_back(tx, client, made.id, "withdrawn outside")
    with pytest.raises(UserError, match="CST-FORBIDDEN"), database.transaction(reader.scope) as tx:
        permit(tx, reader, COMPANY, "credit_decision")
