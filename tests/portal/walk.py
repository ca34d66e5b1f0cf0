"""Every route of the application: FastAPI keeps those of included routers a level down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter
from starlette.routing import BaseRoute

LEAST = 60
"""Fewer routes than this, and the walk has missed some."""


def _walk(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(inner, APIRouter):
            yield from _walk(inner.routes)


def every_route(app: FastAPI) -> list[APIRoute]:
    """All of them, those of included routers too."""
    found = list(_walk(app.routes))
    assert len(found) >= LEAST
    return found
