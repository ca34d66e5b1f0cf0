"""Applications written straight into the tables, for pages that count them."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import psycopg

from tests.portrait.files import sample_file
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.kernel.clock import now
from xinqiao.portrait.credit_file import publish

SECTIONS = ("C1310", "C3311", "F5121", "G5430", "I6510", "L7212")
REASON = {"code": "LOW", "text": {"zh": "评分低于准入线", "en": "the score is below the floor"}}


def add_applications(
    owner: str, database: Database, bank: UUID, firms: int = 60, seed: int = 7
) -> dict[str, str]:
    """Applications of ``firms`` firms in the last months; returns each firm's last state.

    The triggers that keep a case in order are off: this is history, not work.
    """
    draw = random.Random(seed)  # noqa: S311 - test data
    states: dict[str, str] = {}
    with database.transaction(SYSTEM) as tx:
        for i in range(firms):
            company = f"9133010090{i:07d}X"
            file = sample_file(
                company, sources={"invoice": {"rows": 9}} | ({"loan": {"rows": 2}} if i % 3 else {})
            )
            register = file.register_.model_copy(
                update={
                    "industry": draw.choice(SECTIONS),
                    "division": f"99010{1 + i % 5}",
                    "size": draw.choice(["micro", "micro", "small", "medium"]),
                }
            )
            publish(
                tx,
                [
                    file.model_copy(
                        update={"register_": register, "as_of": now().date() - timedelta(days=400)}
                    )
                ],
            )
            states[company] = draw.choice(["accepted", "accepted", "offered", "refused", "screened"])
    with psycopg.connect(owner) as connection:
        connection.execute("SET session_replication_role = replica")
        for company, state in states.items():
            _case(connection, company, bank, state, draw)
    return states


def _case(
    connection: psycopg.Connection[tuple[object, ...]],
    company: str,
    bank: UUID,
    state: str,
    draw: random.Random,
) -> None:
    case, need, offer = new_id(), new_id(), new_id()
    amount = Decimal(draw.choice([200_000, 500_000, 1_000_000, 3_000_000]))
    at = now() - timedelta(days=draw.randrange(5, 330), hours=draw.randrange(24))
    automatic = draw.random() < 0.7
    decided = at + (
        timedelta(seconds=draw.randrange(2, 9)) if automatic else timedelta(hours=draw.randrange(3, 60))
    )
    done = state in ("accepted", "refused")
    connection.execute(
        "INSERT INTO loan_request (id, company_id, amount_cny, accepted_cny, term_months, use, made_at) "
        "VALUES (%s, %s, %s, %s, %s, '流动资金', %s)",
        [need, company, amount, amount if state == "accepted" else 0, draw.choice([6, 12, 24]), at],
    )
    connection.execute(
        "INSERT INTO lending_case (id, request_id, company_id, institution_id, product_id, product_version, "
        "amount_cny, term_months, use, answers, grant_id, applied_by, state, version, made_at, applied_at, "
        "decided_at, closed_at, deadlines, automatic) VALUES "
        "(%s, %s, %s, %s, 'p1', '1', %s, 12, 'u', '{}', %s, %s, %s, 2, %s, %s, %s, %s, '{}', %s)",
        [
            *(case, need, company, bank, amount, new_id(), new_id(), state, at, at),
            decided if done or state == "offered" else None,
            decided if done else None,
            automatic,
        ],
    )
    if state in ("accepted", "offered"):
        connection.execute(
            "INSERT INTO offer (id, case_id, request_id, company_id, institution_id, product_id, "
            "product_version, amount_cny, rate, term_months, repayment, fees, apr, apr_method, automatic, "
            "made_at, until, state, closed_at) VALUES (%s, %s, %s, %s, %s, 'p1', '1', %s, %s, 12, 'equal', "
            "'[]', 0.05, 'IRR', %s, %s, %s, %s, %s)",
            [
                *(offer, case, need, company, bank, amount),
                Decimal(draw.randrange(360, 560)) / 10_000,
                automatic,
                decided,
                decided + timedelta(days=10),
                "accepted" if state == "accepted" else "open",
                decided + timedelta(hours=draw.randrange(1, 40)) if state == "accepted" else None,
            ],
        )
    if state == "refused":
        connection.execute(
            "INSERT INTO case_event (id, case_id, seq, transition, from_state, to_state, at, by_side, "
            "by_name, company_id, institution_id, body) VALUES (%s, %s, 2, 'refuse_at_once', 'applied', "
            "'refused', %s, 'system', '自动', %s, %s, %s)",
            [new_id(), case, decided, company, bank, json.dumps({"reasons": [REASON]})],
        )
