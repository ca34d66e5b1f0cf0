"""The page of an institution's webhooks and of the sites that may embed: register, look, send again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from xinqiao.account import embed, webhook
from xinqiao.portal.visit import Visit, needs

router = APIRouter(include_in_schema=False)
Owner = Annotated[Visit, needs("webhook.own")]
PAGE = "/institution/webhooks"
SHOWN = 50


def _then(visit: Visit, work: Callable[[], object]) -> Response:
    def done() -> Response:
        work()
        return RedirectResponse(PAGE, 303)

    return visit.once(done)


def _page(visit: Visit, made: UUID | None = None) -> Response:
    secret = None if made is None else webhook.secret_of(visit.tx, visit.actor, visit.platform.keyring, made)
    return visit.page(
        "institution_webhooks.html",
        endpoints=webhook.endpoints(visit.tx, visit.actor),
        messages=webhook.messages(visit.tx, visit.actor, limit=SHOWN),
        kinds=webhook.KINDS,
        sites=embed.sites(visit.tx, visit.actor),
        address=visit.platform.address,
        secret=secret,
    )


@router.get(PAGE)
def shown(visit: Owner, made: UUID | None = None) -> Response:
    """Endpoints, messages and embedding sites; ``made``: the endpoint just made, whose secret is told."""
    return _page(visit, made)


@router.post(PAGE)
def add(visit: Owner, url: Annotated[str, Form()], kinds: Annotated[list[str], Form()]) -> Response:
    """Register an endpoint; its secret is shown on the page that follows."""

    def work() -> Response:
        loopback = not visit.platform.secure
        ring = visit.platform.keyring
        made = webhook.add_endpoint(
            visit.tx, visit.actor, ring, url=url, kinds=tuple(kinds), loopback=loopback
        )
        return RedirectResponse(f"{PAGE}?made={made}", 303)

    return visit.once(work)


@router.post(PAGE + "/messages/{message_id}/again")
def again(visit: Owner, message_id: UUID) -> Response:
    """Send a message once more."""
    return _then(visit, lambda: webhook.send_again(visit.tx, visit.actor, message_id))


@router.post(PAGE + "/sites")
def add_site(visit: Owner, name: Annotated[str, Form()], origins: Annotated[str, Form()]) -> Response:
    """Register sites that may embed."""
    return _then(visit, lambda: embed.add_site(visit.tx, visit.actor, name, origins.split()))


@router.post(PAGE + "/sites/{site_id}/end")
def end_site(visit: Owner, site_id: UUID) -> Response:
    """End a registration."""
    return _then(visit, lambda: embed.end_site(visit.tx, visit.actor, site_id))


@router.post(PAGE + "/{endpoint_id}/ping")
def ping(visit: Owner, endpoint_id: UUID) -> Response:
    """Have a test message sent."""
    return _then(visit, lambda: webhook.ping(visit.tx, visit.actor, endpoint_id))


@router.post(PAGE + "/{endpoint_id}/end")
def end(visit: Owner, endpoint_id: UUID) -> Response:
    """Send nothing there any more."""
    return _then(visit, lambda: webhook.end_endpoint(visit.tx, visit.actor, endpoint_id))
