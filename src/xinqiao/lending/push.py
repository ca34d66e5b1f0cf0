"""What a firm is told unasked (政策与产品推送): policy news for it, and new products it could have.

Only registered firms are told, each thing once, at most a few products a week, and nothing of a kind it has
switched off. Relevance is the firm's own file and the product's own rules; no lender can buy a place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.db.database import SYSTEM, Database, Row, Tx, new_id
from xinqiao.db.jobs import every
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.lending.chance import usual_chances
from xinqiao.lending.matching import Matcher, Request, application_of, firm_of
from xinqiao.lending.product import Offered, open_products
from xinqiao.portrait.credit_file import CreditFile, latest

NEWS_DAYS = 30
"""News older than this is not sent to anybody any more."""
PAUSE = timedelta(days=7)
"""Between two messages about products."""
MOST_PRODUCTS = 3


@dataclass(frozen=True, slots=True)
class News:
    """Policy news and for whom it is; empty lists are everybody."""

    id: UUID
    title: Text
    body: Text
    sections: tuple[str, ...]
    sizes: tuple[str, ...]
    divisions: tuple[str, ...]
    products: tuple[str, ...]
    published_at: datetime

    def concerns(self, file: CreditFile) -> bool:
        """Whether a firm belongs to the audience; what is not known of it does not exclude it."""
        register, section = file.register_, application_of(file).get("industry_section")
        return (
            (not self.sections or section is None or section in self.sections)
            and (not self.sizes or register.size is None or register.size in self.sizes)
            and (not self.divisions or (register.division or "").startswith(self.divisions))
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """What a firm wants to be told."""

    news: bool = True
    products: bool = True


def publish_news(
    tx: Tx,
    actor: Actor,
    *,
    title: Text,
    body: Text,
    sections: Sequence[str] = (),
    sizes: Sequence[str] = (),
    divisions: Sequence[str] = (),
    products: Sequence[str] = (),
) -> UUID:
    """Publish news for an audience. Raises UserError LND-NEWS without words in both languages."""
    if not all(text.strip() for text in (title.zh, title.en, body.zh, body.en)):
        fail("LND-NEWS", "title, body")
    key = new_id()
    tx.execute(
        "INSERT INTO policy_news (id, title_zh, title_en, body_zh, body_en, sections, sizes, divisions, "
        "products, published_by, published_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            *(key, title.zh, title.en, body.zh, body.en, list(sections), list(sizes), list(divisions)),
            *(list(products), actor.person, now()),
        ],
    )
    return key


def news(tx: Tx, since: datetime | None = None, most: int = 50) -> list[News]:
    """News, the latest first."""
    rows = tx.execute(
        "SELECT * FROM policy_news WHERE published_at >= coalesce(%s, '-infinity'::timestamptz) "
        "ORDER BY published_at DESC, id DESC LIMIT %s",
        [since, most],
    ).fetchall()
    return [_news(row) for row in rows]


def _news(row: Row) -> News:
    return News(
        row["id"],
        Text(zh=row["title_zh"], en=row["title_en"]),
        Text(zh=row["body_zh"], en=row["body_en"]),
        sections=tuple(row["sections"]),
        sizes=tuple(row["sizes"]),
        divisions=tuple(row["divisions"]),
        products=tuple(row["products"]),
        published_at=row["published_at"],
    )


def choice(tx: Tx, company_id: str) -> Choice:
    """What a firm has chosen; everything where it has not."""
    row = tx.execute("SELECT news, products FROM push_choice WHERE company_id = %s", [company_id]).fetchone()
    return Choice() if row is None else Choice(row["news"], row["products"])


def choose(tx: Tx, actor: Actor, wanted: Choice) -> None:
    """A firm switches kinds of message on or off; the next round keeps to it."""
    tx.execute(
        "INSERT INTO push_choice (company_id, news, products, chosen_at) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (company_id) DO UPDATE SET news = excluded.news, products = excluded.products, "
        "chosen_at = excluded.chosen_at",
        [actor.company, wanted.news, wanted.products, now()],
    )


@every("20 1 * * *", "push.daily")
def push_daily(database: Database) -> None:
    """Tell every registered firm what is new for it, each in a transaction of its own."""
    with database.transaction(SYSTEM) as tx:
        rows = tx.execute(
            "SELECT DISTINCT company_id FROM membership WHERE company_id IS NOT NULL AND ended_at IS NULL"
        ).fetchall()
        matcher = Matcher(open_products(tx), today(), usual_chances())
        fresh = news(tx, now() - timedelta(days=NEWS_DAYS))
    for row in rows:
        with database.transaction(SYSTEM) as tx:
            tell(tx, row["company_id"], fresh, matcher)


def tell(tx: Tx, company_id: str, fresh: Sequence[News], matcher: Matcher) -> int:
    """Tell one firm what it has not been told yet; how many messages it got."""
    try:
        file = latest(tx, company_id)
    except UserError:  # no file yet: nothing is known to be relevant
        return 0
    wanted = choice(tx, company_id)
    sent = 0
    for each in fresh if wanted.news else ():
        if each.concerns(file) and _first(tx, company_id, "news", each.id):
            notify(tx, to_company=company_id, text=each.title, link=f"/enterprise/news#{each.id}")
            sent += 1
    if wanted.products and not _recently(tx, company_id):
        sent += _products(tx, company_id, file, matcher)
    return sent


def _products(tx: Tx, company_id: str, file: CreditFile, matcher: Matcher) -> int:
    """One message about the best new products that the firm could have."""
    found = [each.offer for each in matcher.match(firm_of(file, Request())).ranked if each.score > 0]
    new: list[Offered] = []
    for offer in found[: 3 * MOST_PRODUCTS]:
        if offer is not None and len(new) < MOST_PRODUCTS and _first(tx, company_id, "product", offer.id):
            new.append(offer)
    if not new:
        return 0
    zh = "、".join(f"{offer.institution}“{offer.product.name.zh}”" for offer in new)
    en = ", ".join(f"{offer.product.name.en} of {offer.institution}" for offer in new)
    text = Text(
        zh=f"有 {len(new)} 个新产品与贵企业匹配：{zh}", en=f"{len(new)} new products fit your firm: {en}"
    )
    notify(tx, to_company=company_id, text=text, link="/enterprise/products")
    return 1


def _first(tx: Tx, company_id: str, kind: str, subject: UUID) -> bool:
    """Whether this is told for the first time; from now on it has been."""
    done = tx.execute(
        "INSERT INTO push_told (company_id, kind, subject, told_at) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT DO NOTHING",
        [company_id, kind, subject, now()],
    )
    return done.rowcount == 1


def _recently(tx: Tx, company_id: str) -> bool:
    row = tx.execute(
        "SELECT 1 FROM push_told WHERE company_id = %s AND kind = 'product' AND told_at > %s LIMIT 1",
        [company_id, now() - PAUSE],
    ).fetchone()
    return row is not None
