"""The web application: routes of all portals and of the API put together."""

from __future__ import annotations

import importlib
import pkgutil

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter
from starlette.staticfiles import StaticFiles

import xinqiao.portal as package
from xinqiao import __version__
from xinqiao.portal import observing, problems
from xinqiao.portal.body import Body
from xinqiao.portal.platform import Platform

DESCRIBED = ("/api/v1/", "/log/")
"""What the API's document describes; pages are for people."""


def create_app(platform: Platform) -> FastAPI:
    """The application over ``platform``; every module of portal with a ``router`` takes part."""
    app = FastAPI(
        title="信桥 Xinqiao",
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.platform = platform
    app.add_middleware(Body)
    observing.install(app)
    problems.install(app)
    app.mount("/static", StaticFiles(packages=[("xinqiao.portal", "static")]), name="static")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        router = getattr(importlib.import_module(module.name), "router", None)
        if isinstance(router, APIRouter):
            for route in router.routes:
                if isinstance(route, APIRoute) and not route.path.startswith(DESCRIBED):
                    route.include_in_schema = False
            app.include_router(router)
    return app
