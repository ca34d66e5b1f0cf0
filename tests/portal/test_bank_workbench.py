from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from tests.portal.bank import FIRM, OTHER, Bank, bank
from tests.portal.conftest import CSRF
from tests.portal.live import Live
from tests.portrait.files import sample_file
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, new_token
from xinqiao.lending import bank_policy, outcome, preapproval
from xinqiao.lending.product import put_on_shelf
from xinqiao.policy.diff import Figures, Group
from xinqiao.portal.bank_policies import _tellable
from xinqiao.portrait.credit_file import publish

if TYPE_CHECKING:
    from httpx2 import Response
    from playwright.sync_api import Browser

Clients = Callable[[Actor | None], TestClient]
POLICY = "small_firm_credit"


@pytest.fixture
def people(database: Database) -> Bank:
    return bank(database)


def send(client: TestClient, path: str, **told: object) -> Response:
    files = {"file": told.pop("file")} if "file" in told else None
    form = {"csrf": CSRF, "once": new_token(), **{k: str(v) for k, v in told.items()}}
    return client.post(path, data=form, files=files)


def draft(client: TestClient, source: str = POLICY) -> str:
    made = send(client, "/bank/policies/start", source=source)
    assert made.status_code == 303, made.text
    return str(made.headers["location"])


def text_of(database: Database, actor: Actor, path: str) -> bank_policy.Version:
    with database.transaction(actor.scope) as tx:
        return bank_policy.version(tx, UUID(path.rsplit("/", 1)[1]))


def test_cells_are_edited_checked_and_kept(people: Bank, client_as: Clients, database: Database) -> None:
    client = client_as(people.editor)
    at = draft(client)
    page = client.get(at)
    assert 'value="开票历史月数 &lt; 6"' in page.text
    assert "个错误" not in page.text
    edits = {"cell:rules/0/if": "开票历史月数 < 9", "cell:tables/0/rows/0/2": "0.3", "new:tables/1/rows": "1"}
    done = send(client, at, revision=1, part="rules", **edits)
    assert done.status_code == 303
    assert done.headers["location"].endswith("#rules")
    found = text_of(database, people.editor, at)
    assert (found.revision, "开票历史月数 < 9" in found.text, '"< 0.6", 0.3]' in found.text) == (
        2,
        True,
        True,
    )
    assert "# 由准入规则 A01 处理" in found.text
    assert send(client, at, revision=1, **edits | {"cell:rules/0/if": "x"}).status_code == 409


def test_faults_stand_beside_their_line_and_keep_it_from_release(people: Bank, client_as: Clients) -> None:
    client = client_as(people.editor)
    at = draft(client)
    send(client, at, revision=1, **{"cell:rules/0/if": "没有这个 < 6", "del:rules/1": "on"})
    page = client.get(at)
    assert "1 个错误" in page.text
    assert "line-error" in page.text
    assert "A02" not in page.text
    assert send(client, f"{at}/propose", mode="sole").status_code == 409
    send(client, f"{at}/text", revision=2, text="not: [a policy")
    broken = client.get(at)
    assert broken.status_code == 200
    assert "DOC-SYNTAX" in broken.text
    assert send(client, at, revision=3, **{"cell:rules/0/if": "x"}).status_code == 400


def test_rules_and_rows_come_and_move(people: Bank, client_as: Clients, database: Database) -> None:
    client = client_as(people.editor)
    at = draft(client)
    rule = {"id": "A20", "name/zh": "新", "name/en": "new", "if": "作废率 > 0.9", "then": "refer"}
    rule |= {"if_missing": "ignore", "code": "VOID_VERY", "reason/zh": "作废", "reason/en": "void"}
    told = {f"add:rules/{k}": v for k, v in rule.items()} | {"new:rules": "1", "move": "rules/1"}
    assert send(client, at, revision=1, **told).status_code == 303
    row = {"new:tables/1/rows": "1", "add:tables/1/rows/0": "R1", "add:tables/1/rows/1": "0.5"}
    assert send(client, at, revision=2, **row).status_code == 303
    text = text_of(database, people.editor, at).text
    assert text.index("id: A02") < text.index("id: A01")
    assert "id: A20" in text
    assert "- [R1, 0.5]" in text


def group(approved: int, later: int, moved: int) -> Group:
    sides = [Figures(20, count, 0, 20 - count, 1.0 * count, None, None, 0) for count in (approved, later)]
    return Group("R1", sides[0], sides[1], moved)


def test_a_group_of_the_sample_tells_nothing_of_fewer_than_five() -> None:
    assert _tellable(group(8, 8, 0), 5)
    assert _tellable(group(0, 0, 0), 5)
    for approved, later, moved in ((1, 1, 0), (18, 18, 0), (8, 10, 2)):
        assert not _tellable(group(approved, later, moved), 5)
        assert _tellable(group(approved, later, moved), 1)


def test_two_people_release_in_the_browser_alone_with_a_back_test(
    people: Bank, client_as: Clients, database: Database
) -> None:
    with database.transaction(SYSTEM) as tx:
        files = [sample_file(f"9133010090{i:07d}T", indicators={"INV28": float(i)}) for i in range(80)]
        publish(tx, files)
    editor, approver = client_as(people.editor), client_as(people.approver)
    at = draft(editor)
    send(editor, at, revision=1, **{"cell:rules/0/if": "开票历史月数 < 30"})
    test = editor.get(f"{at}/backtest")
    assert test.status_code == 200
    assert "SHORT_HISTORY" in test.text
    assert "平台匿名样本不含企业标识" in test.text
    assert "9133010090" not in test.text
    assert "BWB-HISTORY" in editor.get(f"{at}/backtest?on=own").text
    assert editor.get(f"{at}/backtest?lgd=7").status_code == 422
    assert editor.get(f"{at}/comparison").status_code == 400
    assert send(editor, f"{at}/propose", mode="sole", note="收紧").status_code == 303
    page = approver.get("/bank/policies")
    release = re.search(r"/bank/policies/releases/[0-9a-f-]+/decide", page.text)
    assert release
    assert send(editor, release.group(), outcome="release").status_code == 403
    assert send(approver, release.group(), outcome="release").status_code == 303
    assert "本行政策生效中" in approver.get("/bank/policies").text
    second = draft(editor, at.rsplit("/", 1)[1])
    champion = at.rsplit("/", 1)[1]
    grey = send(editor, f"{second}/propose", mode="live", champion=champion, share="15")
    assert grey.status_code == 303, grey.text
    assert "15%" in approver.get("/bank/policies").text
    assert client_as(people.stranger).get(at).status_code == 404
    assert editor.get(f"{at}/policy.yaml").headers["content-type"].startswith("application/yaml")
    assert send(editor, f"/bank/policies/{POLICY}/roll-back").status_code == 409


def test_a_product_s_policy_can_be_drafted(people: Bank, client_as: Clients, database: Database) -> None:
    with database.transaction(SYSTEM) as tx:
        put_on_shelf(tx, people.editor.institution, "invoice_micro")  # type: ignore[arg-type]
    client = client_as(people.editor)
    at = draft(client, "invoice_micro")
    assert "invoice_micro" in client.get(at).text
    assert send(client, "/bank/policies/start", source="no_such").status_code == 404
    data = bank_policy.read_policy(POLICY)[0].encode()
    assert send(client, "/bank/policies/bring", file=("p.yaml", data)).status_code == 303
    assert send(client, "/bank/policies/bring", file=("p.yaml", b"\xff\xfe")).status_code == 400


def test_own_data_card_and_outcomes(people: Bank, client_as: Clients, database: Database) -> None:
    editor, approver = client_as(people.editor), client_as(people.approver)
    data = f"uscc,日均存款,客户分层\n{FIRM},120000,重点\n{OTHER},,普通\n".encode()
    assert send(editor, "/bank/scorecards/data", file=("存款.csv", data)).status_code == 303
    card = editor.get("/bank/scorecards/template.csv").content
    assert send(editor, "/bank/scorecards/cards", file=("卡.csv", card)).status_code == 303
    page = approver.get("/bank/scorecards").text
    agree = re.search(r"/bank/scorecards/cards/[0-9a-f-]+/agree", page)
    assert agree
    assert send(approver, agree.group()).status_code == 303
    assert "叠加本行评分卡" in client_as(people.officer).get(f"/bank/companies/{FIRM}").text
    told = send(approver, agree.group().replace("agree", "validate"))
    assert "好、坏贷款各至少" in told.text
    assert send(approver, "/bank/scorecards/stop").status_code == 303
    one = {"company": FIRM, "loan": "HT-1", "granted_on": "2024-01-05", "seen_on": "2025-03-01"}
    officer = client_as(people.officer)
    assert send(officer, "/bank/outcomes", **one, kind="repaid", balance_cny="0").status_code == 303
    assert send(officer, "/bank/outcomes", **one | {"company": "X"}, kind="repaid").status_code == 400
    assert send(officer, "/bank/outcomes", **one, kind="odd").status_code == 422
    file = f"uscc,loan,granted_on,seen_on,kind\n{FIRM},HT-2,2024-01-05,2024-09-01,default\n".encode()
    assert send(officer, "/bank/outcomes/file", file=("o.csv", file)).status_code == 303
    assert officer.get("/bank/outcomes/labels.csv").text.split() == [
        "company_id,loan,granted_on,bad",
        f"{FIRM},HT-1,2024-01-05,0",
        f"{FIRM},HT-2,2024-01-05,1",
    ]
    assert "HT-2" not in client_as(people.stranger).get("/bank/outcomes").text
    with database.transaction(people.officer.scope) as tx:
        assert outcome.latest(tx)[0]["balance_cny"] in (None, Decimal(0))


def test_a_list_is_worked_off_and_downloaded(people: Bank, client_as: Clients, database: Database) -> None:
    client = client_as(people.officer)
    data = f"uscc,amount_cny\n{FIRM},300000\n=HYPERLINK(1),\n".encode()
    made = send(client, "/bank/batches", file=("名单.csv", data), policy=POLICY)
    assert made.status_code == 303
    at = made.headers["location"]
    assert client.get(at).headers["refresh"] == "3"
    preapproval.run(database, at.rsplit("/", 1)[1])
    assert "refresh" not in client.get(at).headers
    rows = client.get(f"{at}/result.csv").text.splitlines()
    assert rows[1].split(",")[1] == FIRM
    assert "'=HYPERLINK" in rows[2]
    assert client_as(people.stranger).get(at).status_code == 404
    assert client_as(people.stranger).get(f"{at}/result.csv").status_code == 404


def test_products_go_on_the_shelf_by_two_and_off_by_one(
    people: Bank, client_as: Clients, database: Database
) -> None:
    editor, approver = client_as(people.editor), client_as(people.approver)
    with database.transaction(SYSTEM) as tx:
        for person in (people.editor, people.approver):
            tx.execute(
                "INSERT INTO person (id, name, made_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
                [person.person, person.name],
            )
        tx.execute("UPDATE institution SET filing_number = 'F1' WHERE id = %s", [people.editor.institution])
    made = send(editor, "/bank/products", product_id="tax_standard", quota_wan="5000")
    assert made.status_code == 303, made.text
    page = approver.get("/bank/products").text
    release = re.search(r"/bank/products/[0-9a-f-]+/release", page)
    assert release
    assert send(approver, release.group()).status_code == 303
    assert "在架（1）" in re.sub(r"<[^>]+>|\s|On offer", "", approver.get("/bank/products").text)
    assert send(approver, release.group().replace("release", "close")).status_code == 303
    assert "已下架" in approver.get("/bank/products").text


@pytest.mark.parametrize("who", ["editor", "approver", "officer"])
def test_the_pages_in_a_browser(
    people: Bank,
    client_as: Clients,
    live: Live,
    browser: Browser,
    *,
    database: Database,
    who: str,
) -> None:
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(f"9133010090{i:07d}T", indicators={"INV28": float(i)}) for i in range(80)])
        put_on_shelf(tx, people.editor.institution, "invoice_micro")  # type: ignore[arg-type]
        put_on_shelf(tx, people.editor.institution, "power_factory")  # type: ignore[arg-type]
    editor, officer = client_as(people.editor), client_as(people.officer)
    at = draft(editor)
    send(editor, at, revision=1, **{"cell:rules/0/if": "开票历史月数 < 30", "cell:tables/1/rows/3/1": "0.02"})
    send(editor, f"{at}/propose", mode="sole", note="开票历史收紧")
    second = draft(editor)
    send(editor, second, revision=1, **{"cell:rules/2/if": "没有这个 > 1"})
    data = f"uscc,日均存款,客户分层\n{FIRM},120000,重点\n{OTHER},,普通\n".encode()
    send(editor, "/bank/scorecards/data", file=("存款.csv", data))
    send(
        editor, "/bank/scorecards/cards", file=("卡.csv", editor.get("/bank/scorecards/template.csv").content)
    )
    one = {"company": FIRM, "loan": "HT-1", "granted_on": "2024-01-05", "seen_on": "2025-03-01"}
    send(officer, "/bank/outcomes", **one, kind="overdue", days_overdue="35", balance_cny="120000")
    names = "\n".join(f"{company},300000" for company in (FIRM, OTHER))
    batch = send(
        officer, "/bank/batches", file=("名单.csv", f"uscc,amount_cny\n{names}\n".encode()), policy=POLICY
    )
    preapproval.run(database, batch.headers["location"].rsplit("/", 1)[1])
    shown = {
        "editor": {
            "policies": "/bank/policies",
            "policy": second,
            "backtest": f"{at}/backtest",
            "scorecards": "/bank/scorecards",
            "products": "/bank/products",
        },
        "approver": {"policies-approver": "/bank/policies", "policy-final": at},
        "officer": {
            "batches": "/bank/batches",
            "batch": batch.headers["location"],
            "outcomes": "/bank/outcomes",
        },
    }[who]
    found = {}
    with live.page(browser, getattr(people, who)) as page:
        for name, path in shown.items():
            page.goto(path)
            found[name] = live.look(page, name)
    assert {name: told for name, told in found.items() if told} == {}
