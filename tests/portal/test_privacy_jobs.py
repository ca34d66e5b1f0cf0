"""Joint computing as an institution's people see it: what is asked, their decision, and what came of it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from tests.consent.people import institution
from tests.portal.conftest import CSRF
from tests.portal.live import Live
from tests.privacy.manifests import data, manifest
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, Scope, Side, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import wording
from xinqiao.kernel.text import Text
from xinqiao.portal import privacy_jobs
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.job_proof import JobProof
from xinqiao.privacy.agreement.rules import Rule
from xinqiao.privacy.job.kind import Kind, Protocol, Result, Role
from xinqiao.privacy.job.manifest import Manifest, Party

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Clients = Callable[[Actor | None], TestClient]
ROLES = (
    Role("asks", Text(zh="查询方", en="who asks")),
    Role("holder", Text(zh="数据方", en="holder")),
)
RULE = Rule(name="with-bank", peers=("bank",), kinds=("made_up",), purposes=("credit_decision",), runs=7)
LEARNS = Text(zh="共同主体的个数", en="how many both have")


def learns(told: Manifest) -> Mapping[str, tuple[Text, ...]]:
    return {told.parties[0].name: (LEARNS,), told.parties[1].name: ()}


KIND = Kind(
    "made_up",
    1,
    Text(zh="示例计算", en="a sample"),
    ROLES,
    (Protocol("dh", "示例 sample 2020", *([Text(zh="半诚实", en="semi-honest")] * 3)),),
    lambda _: None,
    learns,
    lambda *_: Result(),
    lambda *_: {},
)


@pytest.fixture(autouse=True)
def one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry holds one kind, whatever the product has."""
    monkeypatch.setattr("xinqiao.privacy.job.kind.kind_named", {"made_up": KIND}.get)
    monkeypatch.setattr(privacy_jobs, "kinds", lambda: {"made_up": KIND})


def people(side: Side, made: UUID, role: str) -> Actor:
    return Actor(side, frozenset({role}), "某甲", person=new_id(), institution=made)


def node(database: Database, made: UUID, me: Party, *others: Party) -> None:
    """The node ``me`` has told the database of itself."""
    peers = {p.name: p.model_dump(include={"name", "certificate", "signing_key"}) for p in others}
    with database.transaction(SYSTEM) as tx:
        tx.execute(
            "INSERT INTO privacy_node VALUES (%s,%s,%s,%s,%s,%s)",
            [
                made,
                me.name,
                me.certificate,
                me.signing_key,
                Jsonb(
                    {
                        "peers": peers,
                        "sources": {"customers": ["code"]},
                        "rules": [RULE.model_dump(mode="json")],
                    }
                ),
                now(),
            ],
        )


def asked(database: Database, made: UUID, state: job_rows.State = "waiting", **columns: Any) -> Manifest:  # noqa: ANN401
    """A job put before the holder's people."""
    told = manifest(
        "made_up",
        {"bank": ("asks", data("code", key="code", source="customers")), "power": ("holder", data("kwh"))},
        purpose="credit_decision",
    )
    with database.transaction(Scope("holder", made)) as tx:
        job_rows.add(tx, made, told, "bank")
        job_rows.move(tx, told.job, state, ["proposed"], "node", **columns)
    return told


@pytest.fixture
def holder(database: Database) -> UUID:
    made = institution(database, "holder")
    told = manifest("made_up", {"bank": "asks", "power": "holder"})
    node(database, made, told.party("power"), told.party("bank"))
    return made


def post(client: TestClient, path: str, **form: str) -> Any:  # noqa: ANN401 - a Response
    return client.post(path, data=form | {"csrf": CSRF, "once": str(new_id())})


def state(database: Database, made: UUID, told: Manifest) -> str:
    with database.transaction(Scope("holder", made)) as tx:
        return job_rows.one(tx, told.job).state


def test_a_person_sees_what_is_asked_and_who_learns_what_and_agrees(
    client_as: Clients, database: Database, holder: UUID
) -> None:
    told = asked(database, holder)
    client = client_as(people("holder", holder, "holder.admin"))
    overview = client.get("/privacy").text
    for said in ("示例计算", "with-bank", "7 / 30", "由人审批"):
        assert said in overview, said
    path = f"/privacy/jobs/{told.job}"
    page = client.get(path).text
    for said in (
        "共同主体的个数",
        "how many both have",
        "kwh",
        "授信审批",
        "generated data for a test",
        "bank",
    ):
        assert said in page, said
    assert post(client, f"{path}/approve", shown="0" * 64).status_code == 400
    assert state(database, holder, told) == "waiting"
    shown = re.search(r'name="shown" value="([0-9a-f]{64})"', page)
    assert shown is not None
    assert post(client, f"{path}/approve", shown=shown[1]).status_code == 303
    assert state(database, holder, told) == "approved"
    assert "某甲" in client.get(path).text


def test_a_refusal_keeps_its_reason_here(client_as: Clients, database: Database, holder: UUID) -> None:
    told = asked(database, holder)
    client = client_as(people("holder", holder, "holder.admin"))
    assert post(client, f"/privacy/jobs/{told.job}/refuse", reason="用途不清").status_code == 303
    assert state(database, holder, told) == "refused"
    assert "用途不清" in client.get(f"/privacy/jobs/{told.job}").text
    assert post(client, f"/privacy/jobs/{told.job}/approve", shown=told.digest).status_code == 409


def test_who_may_only_look_decides_nothing_and_others_see_nothing(
    client_as: Clients, database: Database, holder: UUID
) -> None:
    told = asked(database, holder)
    path = f"/privacy/jobs/{told.job}"
    steward = client_as(people("holder", holder, "holder.steward"))
    assert "有审批权限的同事" in steward.get(path).text
    assert post(steward, f"{path}/approve", shown=told.digest).status_code == 403
    other = client_as(people("holder", institution(database, "holder"), "holder.admin"))
    assert other.get(path).status_code == 404
    assert str(told.job)[-12:] not in other.get("/privacy").text


def test_a_kind_nobody_here_knows_cannot_be_agreed_to(
    client_as: Clients, database: Database, holder: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = asked(database, holder)
    monkeypatch.setattr("xinqiao.privacy.job.kind.kind_named", lambda _: None)
    client = client_as(people("holder", holder, "holder.admin"))
    path = f"/privacy/jobs/{told.job}"
    assert "不能同意" in client.get(path).text
    assert post(client, f"{path}/approve", shown=told.digest).status_code == 400
    assert state(database, holder, told) == "waiting"


def test_a_failed_job_tells_why_and_is_tried_again(
    client_as: Clients, database: Database, holder: UUID
) -> None:
    told = asked(database, holder, "failed", error="PRV-PEER-LOST", error_where="bank")
    client = client_as(people("holder", holder, "holder.admin"))
    page = client.get(f"/privacy/jobs/{told.job}").text
    assert "连接已断开" in page
    assert post(client, f"/privacy/jobs/{told.job}/again").status_code == 303
    with database.transaction(Scope("holder", holder)) as tx:
        assert tx.execute("SELECT again FROM privacy_job").fetchone() == {"again": True}


def test_a_failure_elsewhere_tells_whose_and_why(
    client_as: Clients, database: Database, holder: UUID
) -> None:
    told = asked(database, holder, "failed", error="PRV-ELSEWHERE", error_where="bank: PRV-CONSENT")
    page = client_as(people("holder", holder, "holder.admin")).get(f"/privacy/jobs/{told.job}").text
    what = wording()["PRV-CONSENT"][0].zh
    for said in ("bank: PRV-CONSENT", *re.split(r"\{\w+\}", what)):
        assert said in page, said


def finished(database: Database, made: UUID) -> Manifest:
    told = asked(database, made, "done")
    sink = io.BytesIO()
    pq.write_table(pa.table({"key": ["=1+1", "b"], "@score": [0.25, 0.5]}), sink)
    with database.transaction(Scope("holder", made)) as tx:
        tx.execute(
            "INSERT INTO privacy_result VALUES (%s,%s,%s,%s,%s,%s,%s,%s)",
            [made, told.job, b"s", "c" * 64, '{"count": 417}', sink.getvalue(), new_id(), now()],
        )
        tx.execute(
            "INSERT INTO privacy_input VALUES (%s,%s,%s,%s,%s,%s)", [made, told.job, b"s", "a" * 64, 9, now()]
        )
    return told


def test_a_result_is_shown_and_downloaded_safely(
    client_as: Clients, database: Database, holder: UUID
) -> None:
    told = finished(database, holder)
    client = client_as(people("holder", holder, "holder.steward"))
    page = client.get(f"/privacy/jobs/{told.job}").text
    for said in ("417", "a" * 64, "c" * 64):
        assert said in page
    file = client.get(f"/privacy/jobs/{told.job}/result.csv").text
    assert file == "\ufeffkey,'@score\r\n'=1+1,0.25\r\nb,0.5\r\n"
    proof = client.get(f"/privacy/jobs/{told.job}/proof.json")
    assert f'filename="{told.job}.json"' in proof.headers["content-disposition"]
    assert JobProof.read(proof.content, "proof").manifest == told.canonical().decode()
    assert "417" not in proof.text
    none = asked(database, holder)
    for name in ("result.csv", "proof.json"):
        assert client.get(f"/privacy/jobs/{none.job}/{name}").status_code == 404
    query = "SELECT subject, detail FROM audit_line WHERE action = 'privacy.downloaded'"
    with database.transaction(Scope("holder", holder)) as tx:
        assert tx.execute(query).fetchall() == [{"subject": str(told.job), "detail": {"rows": 2}}]


def test_pages_in_a_browser(live: Live, browser: Browser, database: Database, holder: UUID) -> None:
    waiting, done = asked(database, holder), finished(database, holder)
    with live.page(browser, people("holder", holder, "holder.admin")) as page:
        for path, name in (
            ("/privacy", "privacy"),
            (f"/privacy/jobs/{waiting.job}", "privacy-waiting"),
            (f"/privacy/jobs/{done.job}", "privacy-done"),
        ):
            page.goto(path)
            assert live.look(page, name) == [], path
