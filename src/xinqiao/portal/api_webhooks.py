"""API: webhooks of one's institution: where to, what came of each message, and sending it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from xinqiao.account import webhook
from xinqiao.portal.api import PROBLEMS, VERSION, WRITES, In, Out, answer, once
from xinqiao.portal.visit import Visit, needs

router = APIRouter(prefix=f"{VERSION}/webhooks", tags=["webhooks 消息推送"], responses=PROBLEMS)
Owner = Annotated[Visit, needs("webhook.own", sandbox=True)]


class EndpointIn(In):
    """Where to send what; ``kinds`` as GET /webhooks/kinds lists them."""

    url: str = Field(max_length=webhook.MAX_URL)
    kinds: list[str] = Field(min_length=1, max_length=20)


class Endpoint(Out):
    """A place messages are sent to. ``secret`` is told once, when it is made."""

    id: UUID
    url: str
    kinds: tuple[str, ...]
    made_at: datetime
    secret: str | None = None


class Endpoints(Out):
    """All endpoints of the institution."""

    endpoints: tuple[Endpoint, ...]


class Message(Out):
    """A message and what became of it. ``state``: delivered, waiting, given_up."""

    id: UUID
    event_id: UUID
    endpoint_id: UUID
    kind: str
    state: str
    attempts: int
    status: int | None
    detail: str
    made_at: datetime
    due_at: datetime | None
    delivered_at: datetime | None


class Messages(Out):
    """Messages, the newest first; ``next``: pass it as ``after`` to go on."""

    messages: tuple[Message, ...]
    next: UUID | None


class Done(Out):
    """It was done to ``id``."""

    id: UUID


@router.post("", status_code=201, response_model=Endpoint, dependencies=WRITES, summary="登记 register")
def add(visit: Owner, body: EndpointIn) -> Response:
    """Register an endpoint. Keep the secret: it is not shown again."""
    ring = visit.platform.keyring

    def work() -> Done:
        made = webhook.add_endpoint(
            visit.tx,
            visit.actor,
            ring,
            url=body.url,
            kinds=tuple(dict.fromkeys(body.kinds)),
            loopback=not visit.platform.secure,
        )
        return Done(id=made)

    # the answer kept for a second try of the same request holds no secret
    made = Done.model_validate_json(bytes(once(visit, work, 201).body)).id
    found = next(e for e in webhook.endpoints(visit.tx, visit.actor) if e.id == made)
    secret = webhook.secret_of(visit.tx, visit.actor, ring, made)
    told = Endpoint(id=made, url=found.url, kinds=found.kinds, made_at=found.made_at, secret=secret)
    return answer(told, 201)


@router.get("", response_model=Endpoints, summary="列表 list")
def listed(visit: Owner) -> Response:
    """The endpoints of your institution."""
    found = webhook.endpoints(visit.tx, visit.actor)
    return answer(
        Endpoints(
            endpoints=tuple(Endpoint(id=e.id, url=e.url, kinds=e.kinds, made_at=e.made_at) for e in found)
        )
    )


@router.get("/messages", response_model=Messages, summary="消息 messages")
def messages(
    visit: Owner,
    after: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=webhook.MAX_SHOWN)] = 50,
) -> Response:
    """What was sent and what was answered."""
    found = webhook.messages(visit.tx, visit.actor, after=after, limit=limit)
    names = [name for name in Message.model_fields if name != "state"]
    told = tuple(Message(state=m.state, **{n: getattr(m, n) for n in names}) for m in found)
    return answer(Messages(messages=told, next=found[-1].id if len(found) == limit else None))


@router.post(
    "/messages/{message_id}/redelivery",
    status_code=202,
    response_model=Done,
    dependencies=WRITES,
    summary="重发 send again",
)
def send_again(visit: Owner, message_id: UUID) -> Response:
    """Send a message once more, the same bytes under the same id."""

    def work() -> Done:
        webhook.send_again(visit.tx, visit.actor, message_id)
        return Done(id=message_id)

    return once(visit, work, 202)


@router.post(
    "/{endpoint_id}/ping", status_code=202, response_model=Done, dependencies=WRITES, summary="测试 test"
)
def ping(visit: Owner, endpoint_id: UUID) -> Response:
    """Have a test message sent; answers with the id of its event."""
    return once(visit, lambda: Done(id=webhook.ping(visit.tx, visit.actor, endpoint_id)), 202)


@router.delete("/{endpoint_id}", response_model=Done, dependencies=WRITES, summary="停用 end")
def end(visit: Owner, endpoint_id: UUID) -> Response:
    """Send nothing there any more."""

    def work() -> Done:
        webhook.end_endpoint(visit.tx, visit.actor, endpoint_id)
        return Done(id=endpoint_id)

    return once(visit, work)
