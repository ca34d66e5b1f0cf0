"""Policy news in the portals of operator and firm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from starlette.testclient import TestClient

from tests.portal.conftest import CSRF
from tests.portrait.files import sample_file
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.portrait.credit_file import publish

FIRM = "91330100900000011A"
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def person(database: Database) -> Actor:
    key = new_id()
    with database.transaction(SYSTEM) as tx:
        tx.execute("INSERT INTO person (id, name, made_at) VALUES (%s, '示范人员', %s)", [key, NOW])
    return Actor("operator", frozenset({"operator.admin"}), "示范人员", person=key)


def test_the_operator_publishes_and_the_firm_reads_and_chooses(
    database: Database, client_as: Callable[[Actor | None], TestClient]
) -> None:
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(FIRM)])
    operator = person(database)
    firm = Actor("enterprise", frozenset({"enterprise.agent"}), "示范", person=operator.person, company=FIRM)
    there = client_as(operator)
    for key, title, section in (("1", "制造业贴息", "C"), ("2", "种植补贴", "A")):
        form = {
            "csrf": CSRF,
            "once": f"news-key-{key}",
            "title_zh": title,
            "title_en": title,
            "sections": section,
        }
        answer = there.post("/operator/news", data=form | {"body_zh": "正文", "body_en": "body"})
        assert answer.status_code == 303, answer.text
    assert "种植补贴" in there.get("/operator/news").text
    here = client_as(firm)
    page = here.get("/enterprise/news").text
    assert "制造业贴息" in page
    assert "种植补贴" not in page
    assert page.count("checked") == 2
    answer = here.post("/enterprise/news/choice", data={"csrf": CSRF, "once": "choice-key-1", "news": "yes"})
    assert answer.status_code == 303, answer.text
    assert here.get("/enterprise/news").text.count("checked") == 1
