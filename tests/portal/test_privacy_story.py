"""A joint count from the bank's wish to its proof, in a browser: pages and two real nodes on one database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from tests.portal.live import Live, press
from tests.privacy.granting import grants, knows_issuer
from xinqiao.account import seed
from xinqiao.account.actor import Actor
from xinqiao.cli.main import build
from xinqiao.db.database import SYSTEM, Database, Side
from xinqiao.db.embedded import Access
from xinqiao.enterprise.uscc import make_uscc
from xinqiao.kernel.protect import Keyring
from xinqiao.portal.platform import Platform
from xinqiao.privacy.agreement.rules import Rule
from xinqiao.privacy.demo.demo_nodes import free_port, running
from xinqiao.privacy.node.node_files import (
    CONFIG,
    Card,
    acquaint,
    add_rule,
    add_settings,
    add_source,
    make_node,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHARED, EACH, UNGRANTED = 120, 150, 10
CREDIT = "credit_decision"
SLOW_MS = 60_000
"""Nodes and their workers start beside the pages, whose first one reads the catalogue."""
BY_FILE = """
kind = "intersection"
purpose = "credit_decision"
[params]
result_to = ["bank"]
[[parties]]
name = "bank"
role = "holder"
input = { source = "customers", key = "code", key_kind = "uscc", rows_at_most = 1000, missing = "leave_out" }
[[parties]]
name = "power"
role = "holder"
input = { source = "supply", key = "code", key_kind = "uscc", rows_at_most = 1000, missing = "leave_out" }
"""


@dataclass
class Story:
    """Folders of the two nodes, and who acts: the bank's product manager, the power company's approver."""

    bank: Path
    power: Path
    asks: Actor
    decides: Actor


def _codes(first: int) -> list[str]:
    return [make_uscc("91", "990101", f"MA9D{n:04d}") for n in range(first, first + EACH)]


def _node(home: Path, access: Access, actor: Actor, *, source: str, codes: list[str], other: str) -> Card:
    """Files of a node that shares the pages' database."""
    card = make_node(home, home.name, f"127.0.0.1:{free_port()}")
    told = {"institution": str(actor.institution), "dsn": access.app, "owner_dsn": access.owner}
    add_settings(home, told)
    pq.write_table(pa.table({"code": codes}), home / f"{source}.parquet")
    add_source(home, source, f"{source}.parquet", {"code": "id"})
    rule = Rule(
        name=f"with-{other}",
        peers=(other,),
        kinds=("intersection",),
        purposes=(CREDIT,),
        receivers=(other,),
        sources=(source,),
        columns=("code",),
        answer="sign" if home.name == "bank" else "ask",
    )
    add_rule(home, rule)
    knows_issuer(home)
    return card


def _person(database: Database, ring: Keyring, side: Side, role: str, name: str) -> Actor:
    """Of an institution of its own."""
    uscc = make_uscc("91", "990101", f"MA9{side[:1].upper()}0001")
    with database.transaction(SYSTEM) as tx:
        made = seed.institution(tx, kind=side, name=f"示范{name}", uscc=uscc)  # type: ignore[arg-type]
        phone = {"bank": "19900000001", "holder": "19900000002"}[side]
        person = seed.person(tx, ring, name=name, phone=phone, institution_id=made, roles=(role,))
    return Actor(side, frozenset({role}), name, person=person, institution=made)


@pytest.fixture
def story(access: Access, database: Database, platform: Platform, tmp_path: Path) -> Iterator[Story]:
    """Both nodes up; all but some of the power company's firms have granted it."""
    asks = _person(database, platform.keyring, "bank", "bank.product", "产品经理")
    decides = _person(database, platform.keyring, "holder", "holder.admin", "数据主管")
    story = Story(tmp_path / "bank", tmp_path / "power", asks, decides)
    ours, theirs = _codes(0), _codes(EACH - SHARED)
    cards = {
        story.bank: _node(story.bank, access, asks, source="customers", codes=ours, other="power"),
        story.power: _node(story.power, access, decides, source="supply", codes=theirs, other="bank"),
    }
    acquaint(cards)
    with running({home.name: home for home in cards}):
        grants(story.bank, ours, "power", purpose=CREDIT, kind="uscc")
        grants(story.power, theirs, "bank", purpose=CREDIT, kind="uscc", revoked=theirs[:UNGRANTED])
        yield story


def _until(page: Page, path: str, words: str) -> None:
    """Load a page again until it says ``words``: no script does it here."""
    for _ in range(240):
        page.goto(path)
        if words in page.inner_text("main"):
            return
        page.wait_for_timeout(250)
    raise AssertionError(page.inner_text("main")[:2000])


def _asked(page: Page) -> str:
    """The bank looks for data and puts up the count; the project's path."""
    page.goto("/bank/data?q=用电量下降")
    page.select_option("[name=peer]", "power")
    press(page.locator("form[action='/bank/data'] button.primary"))
    page.select_option("[name=own_source]", "customers")
    for name, value in {"own_key": "code", "peer_source": "supply", "peer_key": "code"}.items():
        page.fill(f"[name={name}]", value)
    press(page.locator("form[action$='/coverage'] button.primary"))
    return page.url.removeprefix(page.url.partition("/bank")[0])


def _waiting(page: Page) -> str:
    """The one job that waits for the holder's people; its path."""
    _until(page, "/privacy", "隐私求交")
    for _ in range(240):
        links = page.locator("section", has_text="待审批").first.locator("a[href^='/privacy/jobs/']")
        if links.count():
            return str(links.first.get_attribute("href"))
        page.wait_for_timeout(250)
        page.reload()
    raise AssertionError(page.inner_text("main")[:2000])


def _command(*words: str) -> Result:
    return CliRunner().invoke(build(" ".join(words[:2])), list(words))


@pytest.mark.slow
def test_a_count_from_the_wish_to_its_proof(
    story: Story, live: Live, browser: Browser, tmp_path: Path
) -> None:
    with live.page(browser, story.asks) as bank, live.page(browser, story.decides) as power:
        for page in (bank, power):
            page.set_default_timeout(SLOW_MS)
        project = _asked(bank)
        job = _waiting(power)
        assert live.look(power, "privacy-story-1-list") == []
        power.goto(job)
        shown = power.inner_text("main")
        for said in (
            "bank",
            "supply",
            "授信审批",
            "共有主体的个数",
            "每个主体须已授权",
            "逐行剔除",
            "100 – 10,000,000",
        ):
            assert said in shown, said
        assert live.look(power, "privacy-story-2-asked") == []
        press(power.locator("form[action$='/approve'] button.primary"))
        common = str(SHARED - UNGRANTED)
        _until(bank, project, common)
        assert live.look(bank, "privacy-story-3-project") == []
        _until(power, job, "完成")
        assert re.search(rf"共有主体数.*\s{common}\s", power.inner_text("main"))
        bank.goto(job)
        assert live.look(bank, "privacy-story-4-result") == []
        _proved(story, bank, tmp_path / "proof.json")
        _by_file(story, live, bank, power)


def _proved(story: Story, bank: Page, file: Path) -> None:
    """The file from the page holds, checked offline; the other's receipt comes a moment later."""
    cards = [
        word
        for home in (story.bank, story.power)
        for word in ("--card", str(home / f"{home.name}.party.json"))
    ]
    for _ in range(40):
        with bank.expect_download() as got:
            bank.locator("a[href$='/proof.json']").click()
        got.value.save_as(file)
        verified = _command("privacy", "verify", str(file), *cards)
        if verified.exit_code == 0:
            return
        bank.wait_for_timeout(500)
    raise AssertionError(verified.output)


def _by_file(story: Story, live: Live, bank: Page, power: Page) -> None:
    """Then the bank asks by a file which firms they are; the holder's people refuse, and keep why."""
    draft = story.bank / "which.toml"
    draft.write_text(BY_FILE)
    proposed = _command("privacy", "propose", str(draft), "--config", str(story.bank / CONFIG))
    found = re.search(r"[0-9a-f-]{36}", proposed.output)
    assert found is not None, proposed.output
    job = _waiting(power)
    assert found[0] in job
    power.goto(job)
    assert "哪些行" in power.inner_text("main") or "标识" in power.inner_text("main")
    power.fill("[name=reason]", "只同意计数")
    press(power.locator("form[action$='/refuse'] button.danger"))
    assert "只同意计数" in power.inner_text("main")
    _until(bank, job, "已拒绝")
    assert "只同意计数" not in bank.inner_text("main")
    assert live.look(bank, "privacy-story-5-refused") == []
