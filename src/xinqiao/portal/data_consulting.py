"""Finding outside data: a need, the catalogue, a private count, value, contract, use, monitoring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Form, Query
from fastapi.routing import APIRouter
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from xinqiao.account.approval import Outcome, open_approvals
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.portal.enterprise_apply import attempt
from xinqiao.portal.privacy_jobs import OVER, own, words
from xinqiao.portal.problems import status_of
from xinqiao.portal.visit import Visit, needs
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.introduced import Introduced, introduced, put_up
from xinqiao.privacy.consulting import consulting
from xinqiao.privacy.consulting.consulting import STAGES, DataContract, Project, Stage, Step
from xinqiao.privacy.consulting.consulting_jobs import Asked, Matched, coverage, value
from xinqiao.privacy.consulting.need_search import NEED_AT_MOST, search_need
from xinqiao.source.contract import contracts

router = APIRouter()
PAGE = "/bank/data"
Consult = Annotated[Visit, needs("data.consult")]
Second = Annotated[Visit, needs("data.contract")]
Words = Annotated[str, Form(max_length=consulting.REASON_AT_MOST)]
KEY_KINDS = (
    ("uscc", Text(zh="统一社会信用代码", en="company code")),
    ("person", Text(zh="身份证号", en="resident number")),
    ("phone", Text(zh="手机号", en="telephone")),
    ("text", Text(zh="其他编号", en="another code")),
)
WAY: tuple[Stage, ...] = ("need", "coverage", "value", "contract", "deployed")
SOON_DAYS = 30


class _Keys(BaseModel):
    """The part of the form that tells how rows are matched."""

    own_source: str = ""
    own_key: str = ""
    peer_source: str = ""
    peer_key: str = ""
    key_kind: Literal["uscc", "person", "phone", "text"] = "uscc"

    @property
    def matched(self) -> Matched:
        """As manifests take it."""
        return Matched(**{name: getattr(self, name) for name in _Keys.model_fields})


class _ValueForm(_Keys):
    label: str = ""
    own_columns: str = ""
    peer_columns: str = ""
    dealer: str = ""


class _ContractForm(BaseModel):
    fee_cny: Decimal = Decimal(0)
    begins_on: date | None = None
    ends_on: date | None = None
    digest: str = ""


@router.get("/bank/data")
def data_page(visit: Consult, q: Annotated[str, Query(max_length=NEED_AT_MOST)] = "") -> Response:
    """Search the catalogue for a need; the projects there are."""
    return _search(visit, q)


def _search(visit: Visit, need: str, fault: UserError | None = None) -> Response:
    own(visit)
    node = introduced(visit.tx)
    return visit.page(
        "bank_data.html",
        200 if fault is None else status_of(fault),
        fault=fault,
        need=need,
        found=search_need(need) if need else [],
        peers=sorted(node.peers) if node else [],
        projects=consulting.projects(visit.tx),
        contracts=contracts(),
        stages=STAGES,
        **words(),
    )


@router.post("/bank/data")
def begin_project(
    visit: Consult,
    need: Annotated[str, Form(max_length=NEED_AT_MOST)] = "",
    purpose: Annotated[str, Form(max_length=40)] = "",
    peer: Annotated[str, Form(max_length=32)] = "",
    wanted: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Open a project with one holder."""

    def work() -> Response:
        _node(visit).peer(peer)
        made = consulting.begin(visit.tx, visit.actor, need, purpose=purpose, wanted=wanted or [], peer=peer)
        return RedirectResponse(f"{PAGE}/{made}", 303)

    return attempt(visit, work, lambda fault: _search(visit, need, fault))


def _node(visit: Visit) -> Introduced:
    node = introduced(visit.tx)
    if node is None:
        fail("PRV-NODE-ABSENT", "node", peer="-")
    return node


@router.get("/bank/data/{project_id}")
def project_page(visit: Consult, project_id: UUID) -> Response:
    """One project: how far it has come and what may be done next."""
    return _project(visit, project_id)


def _project(
    visit: Visit, project_id: UUID, fault: UserError | None = None, typed: _Keys | None = None
) -> Response:
    project, institution = consulting.project(visit.tx, project_id), own(visit)
    done, node = consulting.steps(visit.tx, project_id), introduced(visit.tx)
    computed = _computed(visit, done)
    return visit.page(
        "bank_data_project.html",
        200 if fault is None else status_of(fault),
        fault=fault,
        project=project,
        done=done,
        way=_way(project),
        chosen=[contracts()[c] for c in project.contracts if c in contracts()],
        computed=computed,
        valued=any(kind == "value" and job.state == "done" for kind, job, _ in computed),
        watched=_watched(visit, project, done),
        before=typed or _typed(done),
        sources=node.sources if node else {},
        third=sorted(set(node.peers) - {project.peer}) if node else [],
        approvals=[
            one
            for one in open_approvals(visit.tx, institution, consulting.APPROVAL)
            if one.subject == str(project_id)
        ],
        key_kinds=KEY_KINDS,
        stages=STAGES,
        soon=SOON_DAYS,
        **words(),
    )


def _way(project: Project) -> list[tuple[Text, str]]:
    if project.stage == "closed":
        return [(STAGES[stage], "") for stage in WAY] + [(STAGES["closed"], "stop")]
    reached = WAY.index(project.stage)
    return [
        (STAGES[stage], "done" if place < reached else "now" if place == reached else "")
        for place, stage in enumerate(WAY)
    ]


def _computed(
    visit: Visit, done: Sequence[Step]
) -> list[tuple[Stage, job_rows.JobRow, dict[str, Any] | None]]:
    """Each step's job as it stands, and what we got of it."""
    found = []
    for step in done:
        if step.job_id is not None:
            kept = job_rows.result(visit.tx, step.job_id)
            found.append((step.kind, job_rows.one(visit.tx, step.job_id), kept.told if kept else None))
    return found


def _typed(done: Sequence[Step]) -> _Keys:
    """What the last computation matched by, so that it need not be typed again."""
    return next((_Keys(**s.told["by"]) for s in reversed(done) if "by" in s.told), _Keys())


def _watched(visit: Visit, project: Project, done: Sequence[Step]) -> dict[str, int]:
    """Jobs with that holder for that purpose since the contract, and how long it still runs (days)."""
    signed = next((s for s in reversed(done) if s.kind == "contract"), None)
    if signed is None:
        return {"jobs": 0, "done": 0, "over": 0, "days_left": 0}
    jobs = [
        one
        for one in job_rows.jobs(visit.tx)
        if project.peer in one.manifest.names
        and one.manifest.purpose == project.purpose
        and one.proposed_at >= signed.at
    ]
    return {
        "jobs": len(jobs),
        "done": sum(one.state == "done" for one in jobs),
        "over": sum(one.state in OVER for one in jobs),
        "days_left": (date.fromisoformat(signed.told["ends_on"]) - today()).days,
    }


@router.post("/bank/data/{project_id}/coverage")
def count_coverage(visit: Consult, project_id: UUID, form: Annotated[_Keys, Form()]) -> Response:
    """Put up the private count."""

    def work() -> None:
        project, node = consulting.project(visit.tx, project_id), _node(visit)
        made = coverage(node.me, node.peer(project.peer), form.matched, project.purpose)
        put_up(visit.tx, made, visit.actor.name)
        _advance(visit, project_id, "coverage", made.job, form)

    return _stepped(visit, project_id, work, form)


@router.post("/bank/data/{project_id}/value")
def estimate_value(visit: Consult, project_id: UUID, form: Annotated[_ValueForm, Form()]) -> Response:
    """Put up the data-value run."""

    def work() -> None:
        project, node = consulting.project(visit.tx, project_id), _node(visit)
        third = node.peer(form.dealer) if form.dealer else None
        asked = Asked(form.label, _names(form.own_columns), _names(form.peer_columns))
        parties = (node.me, node.peer(project.peer), third)
        made = value(*parties, form.matched, asked, purpose=project.purpose)
        put_up(visit.tx, made, visit.actor.name)
        _advance(visit, project_id, "value", made.job, form)

    return _stepped(visit, project_id, work, form)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.replace("，", ",").split(",") if (name := part.strip()))


def _advance(visit: Visit, project_id: UUID, stage: Stage, job: UUID, form: _Keys) -> None:
    by = {name: getattr(form, name) for name in _Keys.model_fields}
    consulting.advance(visit.tx, visit.actor, project_id, stage, job_id=job, told={"by": by})


@router.post("/bank/data/{project_id}/contract")
def propose_contract(visit: Consult, project_id: UUID, form: Annotated[_ContractForm, Form()]) -> Response:
    """Enter what both sides signed, for a second person."""

    def work() -> None:
        if form.begins_on is None or form.ends_on is None:
            fail("PRV-CONTRACT", str(project_id))
        signed = DataContract(form.fee_cny, form.begins_on, form.ends_on, form.digest)
        consulting.propose_contract(visit.tx, visit.actor, project_id, signed)

    return _stepped(visit, project_id, work)


@router.post("/bank/data/{project_id}/contract/{approval_id}")
def decide_contract(
    visit: Second, project_id: UUID, approval_id: UUID, outcome: Annotated[Outcome, Form()] = "refused"
) -> Response:
    """The second person decides."""
    return _stepped(
        visit,
        project_id,
        lambda: consulting.decide_contract(visit.tx, visit.actor, approval_id, outcome),
    )


@router.post("/bank/data/{project_id}/deploy")
def put_to_use(visit: Consult, project_id: UUID) -> Response:
    """From now on its jobs are watched."""
    return _stepped(
        visit, project_id, lambda: consulting.advance(visit.tx, visit.actor, project_id, "deployed")
    )


@router.post("/bank/data/{project_id}/close")
def close_project(visit: Consult, project_id: UUID, reason: Words = "") -> Response:
    """End it."""
    return _stepped(visit, project_id, lambda: consulting.close(visit.tx, visit.actor, project_id, reason))


def _stepped(
    visit: Visit, project_id: UUID, work: Callable[[], object], typed: _Keys | None = None
) -> Response:
    consulting.project(visit.tx, project_id)

    def step() -> Response:
        work()
        return RedirectResponse(f"{PAGE}/{project_id}", 303)

    return attempt(visit, step, lambda fault: _project(visit, project_id, fault, typed))
