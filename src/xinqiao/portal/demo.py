"""What a demo needs beyond a scored city: institutions, people, products on the shelf and a year of business.

Everything is done through the services that the pages use, at the times it would have been done; all names
are invented.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from xinqiao.account import seed
from xinqiao.account.actor import Actor
from xinqiao.account.institution import Kind
from xinqiao.consent.grants import Proof, give
from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.enterprise.uscc import make_uscc
from xinqiao.kernel import clock
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring
from xinqiao.lending import case, offer, review
from xinqiao.lending.case_product import product_of
from xinqiao.lending.case_state import get
from xinqiao.lending.chance import usual_chances
from xinqiao.lending.deciding import decide
from xinqiao.lending.machine import machine
from xinqiao.lending.matching import Matcher, Request, firm_of
from xinqiao.lending.product import Offered, catalog_products, open_products, put_on_shelf
from xinqiao.portal import demo_rest
from xinqiao.portal.demo_loans import Lender, lend
from xinqiao.portal.demo_monitoring import watched
from xinqiao.portal.platform import Platform
from xinqiao.portrait.credit_file import latest
from xinqiao.run.job import Progress

WAITING = 6
"""Applications that wait for an officer of the first bank."""
PASSWORD = "Xinqiao-demo-1"  # noqa: S105 - of the demo, printed for everybody
BANKS = 8
GUARANTORS = 2
SHELF = 14
"""Products an institution puts on its shelf."""
APPLICANTS = 90
HISTORY_DAYS = 300
WRONG = 0.2
"""Share of companies that also apply where they are excluded."""
FILED = "示范备案 2026-01"


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody to sign in as."""

    who: str
    telephone: str
    password: str
    can: str


@dataclass(frozen=True, slots=True)
class Member:
    """An institution of the demo and its people, by role."""

    id: UUID
    kind: Kind
    name: str
    people: dict[str, tuple[UUID, str, str]]

    def actor(self, role: str) -> Actor:
        """Its person with ``role``."""
        person, name, _ = self.people[role]
        side = "bank" if self.kind == "bank" else self.kind
        return Actor(side, frozenset({role}), name, person=person, institution=self.id)


CAST: dict[Kind, tuple[tuple[str, str], ...]] = {
    "bank": (
        ("bank.officer", "信贷员：处理申请 works on applications"),
        ("bank.approver", "审批人：第二人复核 second person"),
        ("bank.product", "产品经理：产品与政策 products, policies"),
        ("bank.admin", "管理员：人员与接口 people, API clients"),
    ),
    "holder": (("holder.steward", "数据交付 deliveries"), ("holder.admin", "管理员 administrator")),
    "operator": (
        ("operator.admin", "平台运营、合规 runs the platform"),
        ("operator.analyst", "平台统计 statistics"),
    ),
    "regulator": (("regulator.viewer", "监管统计 statistics for the regulator"),),
}
CAST["guarantee"] = CAST["bank"]
SUPPLIED = ((("INV", "TAX"), Decimal("0.30")), (("ELE",), Decimal("0.20")))
"""Sources of the data holders, in their order, and the fee of a read."""
SHORT = {
    "officer": "信贷员",
    "approver": "审批人",
    "product": "产品经理",
    "admin": "管理员",
    "steward": "数据管理员",
}
SHORT |= {"analyst": "分析员", "viewer": "监管员"}
INSTITUTIONS: tuple[tuple[Kind, str, str], ...] = (
    ("operator", "示范区征信服务中心", "Demo Credit Service Centre"),
    ("regulator", "示范区金融管理处", "Demo Financial Office"),
    ("holder", "示范区税务数据方", "Demo Tax Data"),
    ("holder", "示范区电力数据方", "Demo Power Data"),
    *(("bank", f"示范{i}号银行", f"Demo Bank {i}") for i in range(1, BANKS + 1)),
    *(("guarantee", f"示范{i}号担保公司", f"Demo Guarantee {i}") for i in range(1, GUARANTORS + 1)),
)


def furnish(platform: Platform, random_seed: int, progress: Progress) -> list[SignIn]:
    """Institutions, people, shelves and past business; what is there already is left. Who can sign in."""
    database, ring = platform.database, platform.keyring
    members = [_member(database, ring, i) for i in range(len(INSTITUTIONS))]
    lenders = [m for m in members if m.kind in ("bank", "guarantee")]
    draw = random.Random(random_seed)  # noqa: S311 - a demo repeats by its seed
    with clock.standing(_start()):
        _shelves(database, lenders)
    agents = _agents(database, ring)
    _history(database, lenders, agents, draw, progress)
    books = [Lender(m.id, m.actor("bank.officer"), m.actor("bank.approver")) for m in lenders]
    firms = {agent.company: agent.actor for agent in agents}
    lend(platform, books, firms, draw, progress)
    watched(database, books, firms, draw)
    _rest(platform, members, lenders, agents, draw)
    return [*_company_sign_ins(agents), *_member_sign_ins(members)]


def _member(database: Database, ring: Keyring, place: int) -> Member:
    kind, name, english = INSTITUTIONS[place]
    uscc = make_uscc("91", "990101", f"MA9D{place:04d}")
    with database.transaction(SYSTEM) as tx:
        made = seed.institution(tx, kind=kind, name=name, name_en=english, uscc=uscc, filing_number=FILED)
        people: dict[str, tuple[UUID, str, str]] = {}
        for i, (role, _) in enumerate(CAST[kind]):
            phone, title = f"199{place:04d}{i:04d}", f"{name}{SHORT[role.partition('.')[2]]}"
            person = seed.person(
                tx, ring, name=title, phone=phone, password=PASSWORD, institution_id=made, roles=(role,)
            )
            people[role] = (person, title, phone)
    return Member(made, kind, name, people)


def _shelves(database: Database, lenders: Sequence[Member]) -> None:
    """Every lender offers its part of the catalog; what is offered already stays."""
    catalog = list(catalog_products().values())
    with database.transaction(SYSTEM) as tx:
        if open_products(tx):
            return
        for place, lender in enumerate(lenders):
            fitting = [p for p in catalog if (p.file.class_ == "guarantee") == (lender.kind == "guarantee")]
            for i in range(min(SHELF, len(fitting))):
                product = fitting[(place * 5 + i * 3) % len(fitting)]
                with contextlib.suppress(UserError):  # the same product a second time
                    put_on_shelf(tx, lender.id, product.id)


def _start() -> datetime:
    """When the history begins."""
    return datetime.now(UTC) - timedelta(days=HISTORY_DAYS)


@dataclass(frozen=True, slots=True)
class Agent:
    """Who acts for a company of the demo."""

    person: UUID
    company: str
    name: str
    phone: str
    grade: str

    @property
    def actor(self) -> Actor:
        """Them, acting."""
        return Actor(
            "enterprise", frozenset({"enterprise.agent"}), self.name, person=self.person, company=self.company
        )


def _agents(database: Database, ring: Keyring) -> list[Agent]:
    """Agents of companies spread over all grades; the first three can be shown: good, middling, weak."""
    with database.transaction(SYSTEM) as tx:
        rows = tx.execute(
            "SELECT company_id, body #>> '{score,grade}' AS grade, (body #>> '{score,pd}')::float8 AS pd, "
            "EXISTS (SELECT FROM unnest(%s::text[]) AS i WHERE body #>> ARRAY['indicators', i, 'value'] "
            "NOT IN ('0', '0.0', 'false')) AS listed "
            "FROM credit_file WHERE (body #>> '{in_default}') = 'false' ORDER BY pd, company_id",
            [list(LISTED)],
        ).fetchall()
        step = max(1, len(rows) // APPLICANTS)
        spread = rows[::step][:APPLICANTS]
        calm = [row for row in rows if not row["listed"]] or rows  # products are there to be shown
        shown = [calm[len(calm) // 20], calm[len(calm) // 3], rows[len(rows) * 4 // 5]]
        chosen = [*shown, *(row for row in spread if row not in shown)]
        return [_agent(tx, ring, i, row["company_id"], row["grade"]) for i, row in enumerate(chosen)]


def _agent(tx: Tx, ring: Keyring, place: int, company: str, grade: str) -> Agent:
    name, phone = f"示范负责人{place:03d}", f"198{place:08d}"
    password = PASSWORD if place < SHOWN else None
    person = seed.person(tx, ring, name=name, phone=phone, password=password, company_id=company)
    return Agent(person, company, name, phone, grade)


SHOWN = 3
"""Companies somebody can sign in for."""
LISTED = ("REG08", "JUD01", "JUD04")
"""Indicators of lists on which a firm gets no loan anywhere."""


def _rest(
    platform: Platform,
    members: Sequence[Member],
    lenders: Sequence[Member],
    agents: Sequence[Agent],
    draw: random.Random,
) -> None:
    """What besides applications every portal shows."""
    holders = (m.actor("holder.steward") for m in members if m.kind == "holder")
    stewards = [(actor, *terms) for actor, terms in zip(holders, SUPPLIED, strict=True)]
    demo_rest.supplies(platform.database, platform.folder, stewards)
    officers = [lender.actor("bank.officer") for lender in lenders]
    demo_rest.needs_posted(platform.database, [agent.actor for agent in agents[1:]], officers, draw)
    operator = next(m for m in members if m.kind == "operator")
    demo_rest.policy_news(platform.database, operator.actor("operator.admin"))


# -- a year of business


def _history(
    database: Database,
    lenders: Sequence[Member],
    agents: Sequence[Agent],
    draw: random.Random,
    progress: Progress,
) -> None:
    with database.transaction(SYSTEM) as tx:
        if tx.execute("SELECT 1 FROM lending_case LIMIT 1").fetchone():
            return
        matcher = Matcher(open_products(tx), clock.today(), usual_chances(), {}, {})
    by_id = {lender.id: lender for lender in lenders}
    applicants = agents[1:]  # the first is left for the visitor
    times = sorted(_start() + timedelta(days=HISTORY_DAYS * draw.random() ** 0.6) for _ in applicants)
    for done, (agent, at) in enumerate(zip(draw.sample(applicants, len(applicants)), times, strict=True)):
        progress.step("history", done, len(applicants))
        for offered in _chosen(database, matcher, agent, draw):
            with contextlib.suppress(UserError):  # who may not apply (closed, asked twice) does not
                _Played(database, by_id[offered.institution_id], agent, draw).play(offered, at)
    _waiting(database, matcher, lenders[0], applicants, draw)
    progress.step("history", len(applicants), len(applicants))


def _waiting(
    database: Database, matcher: Matcher, lender: Member, applicants: Sequence[Agent], draw: random.Random
) -> None:
    """Work for who signs in: applications at ``lender`` that wait for an officer, one for the approver."""
    waiting: list[UUID] = []
    for agent in draw.sample(applicants, len(applicants)):
        with database.transaction(SYSTEM) as tx:
            found = matcher.match(firm_of(latest(tx, agent.company), Request()))
        own = [m.offer for m in found.ranked if m.offer and m.offer.institution_id == lender.id]
        referred = [
            m.offer for m in found.ranked if m.offer and m.offer in own and m.outcome != "approve"
        ] or own
        if not referred:
            continue
        played = _Played(database, lender, agent, draw)
        at = datetime.now(UTC) - timedelta(hours=len(waiting) * 5 + 1)
        with contextlib.suppress(UserError):
            made = played.waits(referred[0], at)
            if played.state(made) == "screened":
                waiting.append(made)
        if len(waiting) == WAITING:
            break
    if waiting:
        _Played(database, lender, applicants[0], draw).proposed(waiting[-1], datetime.now(UTC))


def _chosen(database: Database, matcher: Matcher, agent: Agent, draw: random.Random) -> list[Offered]:
    """What a company applies for: mostly what fits it best, now and then something else."""
    with database.transaction(SYSTEM) as tx:
        found = matcher.match(firm_of(latest(tx, agent.company), Request()))
    fitting = [match.offer for match in found.ranked[:6] if match.offer]
    others = [one.offer for one in found.excluded if one.offer]
    count = draw.choice((1, 1, 2, 3))
    chosen = draw.sample(fitting, min(len(fitting), count))
    if others and (not chosen or draw.random() < WRONG):
        chosen.append(draw.choice(others))
    return chosen


class _Played:
    """One application of the past, played through the services."""

    def __init__(self, database: Database, lender: Member, agent: Agent, draw: random.Random) -> None:
        self.database, self.lender, self.agent, self.draw = database, lender, agent, draw

    @contextlib.contextmanager
    def _as(self, actor: Actor, at: datetime) -> Iterator[Tx]:
        with clock.standing(at), self.database.transaction(actor.scope) as tx:
            yield tx

    def play(self, offered: Offered, at: datetime) -> None:
        """Apply, be decided on, be looked at by two people where asked, and answer the offer."""
        made = self.waits(offered, at)
        later = at + timedelta(days=1 + 3 * self.draw.random())
        if later < datetime.now(UTC) and self.state(made) == "screened":
            self._looked_at(made, later)
        answer = later + timedelta(days=1 + 4 * self.draw.random())
        if answer < datetime.now(UTC) and self.state(made) == "offered":
            self._answered(made, answer)

    def waits(self, offered: Offered, at: datetime) -> UUID:
        """Apply and be decided on by the machine, and no more."""
        made = self._applied(offered, at)
        with clock.standing(at + timedelta(seconds=3)):
            decide(self.database, str(made))
        return made

    def state(self, case_id: UUID) -> str:
        """Where the application stands."""
        with self.database.transaction(SYSTEM) as tx:
            return get(tx, case_id).state

    def _applied(self, offered: Offered, at: datetime) -> UUID:
        product, actor = offered.product, self.agent.actor
        with self._as(actor, at) as tx:
            turnover = latest(tx, self.agent.company).indicators["INV01"].value or 1_000_000.0
            most = min(
                float(product.file.limit.max), 3e6, max(50_000.0, turnover * self.draw.uniform(0.03, 0.2))
            )
            amount = Decimal(max(int(product.file.limit.min), round(most, -4)))
            given = give(
                tx,
                actor,
                institution=offered.institution_id,
                purposes=["credit_decision"],
                data_sets=sorted(product.data_sets),
                proof=Proof("session", clock.now()),
                declared=product.data_sets,
            )
            return case.apply(
                tx,
                actor,
                institution_id=offered.institution_id,
                product_id=product.id,
                amount_cny=amount,
                term_months=product.file.tenor.usual,
                use=self.draw.choice(("采购原材料", "支付货款", "购置设备", "周转")),
                grant_id=given.id,
            )

    def _looked_at(self, case_id: UUID, at: datetime) -> None:
        approver = self.lender.actor("bank.approver")
        self.proposed(case_id, at)
        with self._as(approver, at + timedelta(hours=5)) as tx:
            review.approve(tx, approver, case_id, get(tx, case_id).version)

    def proposed(self, case_id: UUID, at: datetime) -> None:
        """An officer takes the application up and proposes an offer or a refusal."""
        officer = self.lender.actor("bank.officer")
        with self._as(officer, at) as tx:
            found = get(tx, case_id)
            review.take(tx, officer, case_id, found.version)
            if self.draw.random() < 0.6:  # noqa: PLR2004 - a demo's own mix
                product = product_of(tx, found.institution_id, found.product_id, found.product_version)
                rate = self._rate(product.file.pricing.min, product.file.pricing.max)
                way = product.file.repayment.ways[0]
                terms = offer.Terms(found.amount_cny, rate, found.term_months, way)
                review.propose_offer(tx, officer, case_id, found.version + 1, terms=terms)
            else:
                codes = [self.draw.choice(list(machine().refusals))]
                review.propose_refusal(tx, officer, case_id, found.version + 1, codes=codes)

    def _rate(self, least: Decimal, most: Decimal) -> Decimal:
        """A rate of the product: the better the grade, the lower, and not twice the same."""
        risk = int(self.agent.grade[1:]) / 10 if self.agent.grade[1:].isdigit() else 1.0
        share = Decimal(str(round(0.1 + 0.4 * risk + 0.1 * self.draw.random(), 3)))
        usual = min(most, max(least, Decimal("0.0345")) + Decimal("0.05"))
        return min(most, max(least, (least + (usual - least) * share).quantize(Decimal("0.0005"))))

    def _answered(self, case_id: UUID, at: datetime) -> None:
        actor = self.agent.actor
        with self._as(actor, at) as tx:
            for one in offer.offers(tx, case_id=case_id):
                if self.draw.random() < 0.8:  # noqa: PLR2004 - a demo's own mix
                    offer.accept(tx, actor, one.id)
                else:
                    offer.decline(tx, actor, one.id, "另有安排")


def _company_sign_ins(agents: Sequence[Agent]) -> Iterator[SignIn]:
    for agent in agents[:SHOWN]:
        can = f"企业 {agent.company}（评级 {agent.grade}）：信用、匹配、申请 credit, products, applications"
        yield SignIn(agent.name, agent.phone, PASSWORD, can)


def _member_sign_ins(members: Sequence[Member]) -> Iterator[SignIn]:
    seen: set[Kind] = set()
    for member in members:
        if member.kind in seen:
            continue
        seen.add(member.kind)
        for role, can in CAST[member.kind]:
            _, name, phone = member.people[role]
            yield SignIn(name, phone, PASSWORD, can)
