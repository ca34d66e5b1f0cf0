"""What the demo has besides applications: supply agreements and a delivery, posted needs, policy news.

Like everything of the demo it goes through the services that the pages use, and what is there already stays.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from xinqiao.account.actor import Actor
from xinqiao.consent import supply
from xinqiao.consent.uses import set_price
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel import clock
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.lending import need
from xinqiao.lending.product import institution_products
from xinqiao.lending.push import news, publish_news
from xinqiao.portrait.credit_file import latest
from xinqiao.source import delivery
from xinqiao.source.lake import Lake

NEEDS = 24
"""Firms that look for a loan in public."""
WITHIN_DAYS = 20
"""How long ago the first of these needs was posted; all are open still."""
DUTIES = "数据方保证来源合法、内容准确、传输安全；平台按授权使用，不转给第三方。"
USES = ("采购原材料", "支付货款", "购置设备", "周转")
DELIVERED = {
    "ELE": (
        "power_month",
        (
            "company_id,meter_no,month,kwh,known_on\n"
            "DEMO0001,E900000001,2026-01-01,12860,2026-02-03\n"
            "DEMO0002,E900000002,2026-01-01,3405,2026-02-03\n"
            "DEMO0003,E900000003,2026-01-01,-15,2026-02-03\n"
            "DEMO0004,E900000004,2026年13月,730,2026-02-03\n"
        ),
    ),
    "TAX": (
        "tax_rating",
        (
            "company_id,rating_year,level,rated_on,known_on\n"
            "DEMO0001,2025,A,2026-04-20,2026-04-22\n"
            "DEMO0002,2025,B,2026-04-20,2026-04-22\n"
            "DEMO0003,2025,甲,2026-04-20,2026-04-22\n"
            "DEMO0004,2025,M,2026-04-20,2026-04-02\n"
        ),
    ),
}
"""By source, a contract and a file as its holder would send it; the last two rows are wrong, so that the
quarantine shows."""
NEWS = (
    (
        Text(zh="【示范】设备更新贷款贴息", en="[demo] Interest subsidy for new equipment"),
        Text(
            zh="示范内容：制造业小微企业的设备购置贷款，可向示范区申请贴息。",
            en="Demo text: small manufacturers may ask the district for a subsidy on loans for equipment.",
        ),
        ("C",),
    ),
    (
        Text(zh="【示范】首贷户服务月", en="[demo] A month for first-time borrowers"),
        Text(
            zh="示范内容：没有贷款记录的企业，可在“匹配产品”查看首贷产品。",
            en="Demo text: firms without a loan so far find products for them under “Matched products”.",
        ),
        (),
    ),
)


def supplies(
    database: Database, folder: Path, stewards: Sequence[tuple[Actor, Sequence[str], Decimal]]
) -> None:
    """An agreement and a price for each holder's sources, and its first file."""
    begins = clock.today() - timedelta(days=400)
    with database.transaction(SYSTEM) as tx:
        if supply.agreements(tx):
            return
        for actor, sources, fee in stewards:
            if actor.institution is not None:
                ends = clock.today() + timedelta(days=330)
                supply.agree(tx, actor.institution, sources, begins_on=begins, ends_on=ends, duties=DUTIES)
                for source in sources:
                    set_price(tx, actor.institution, source, begins, fee)
    for actor, sources, _ in stewards:
        for contract, text in (DELIVERED[source] for source in sources if source in DELIVERED):
            with database.transaction(actor.scope) as tx, tempfile.TemporaryDirectory() as place:
                path = Path(place) / f"{contract}.csv"
                path.write_text(text, encoding="utf-8")
                delivery.take(tx, actor, Lake(folder / "lake"), contract, name=path.name, path=path)


def needs_posted(
    database: Database, firms: Sequence[Actor], officers: Sequence[Actor], draw: random.Random
) -> None:
    """Firms post what they look for; some are answered."""
    with database.transaction(SYSTEM) as tx:
        if need.needs(tx, limit=1):
            return
    step = max(1, len(firms) // NEEDS)
    for firm in firms[::step][:NEEDS]:
        at = datetime.now(UTC) - timedelta(days=WITHIN_DAYS * draw.random())
        with clock.standing(at), database.transaction(firm.scope) as tx:
            file = latest(tx, firm.company or "")
            made = need.post(
                tx,
                firm,
                amount_cny=Decimal(draw.randrange(20, 301, 10) * 10_000),
                term_months=draw.choice((6, 12, 24, 36)),
                use=draw.choice(USES),
                named=draw.random() < 0.3,  # noqa: PLR2004 - a demo's own mix
                file=file,
            )
        for officer in draw.sample(officers, draw.choice((0, 0, 1, 2))):
            with contextlib.suppress(UserError), database.transaction(officer.scope) as tx:
                shelf = institution_products(tx, officer.institution) if officer.institution else []
                offered = [one for one in shelf if one.state == "open"]
                if offered:
                    need.answer(tx, officer, made, draw.choice(offered).id, "可办理，欢迎申请。")


def policy_news(database: Database, operator: Actor) -> None:
    """Two pieces of news, marked as invented."""
    with database.transaction(SYSTEM) as tx:
        if news(tx, most=1):
            return
    with database.transaction(operator.scope) as tx:
        for title, body, sections in NEWS:
            publish_news(tx, operator, title=title, body=body, sections=sections)
