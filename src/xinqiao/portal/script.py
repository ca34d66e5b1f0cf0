"""The one script file, served from the package that carries it (portal.htmx)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from xinqiao.kernel.errors import fail
from xinqiao.portal.htmx import PATH, htmx
from xinqiao.portal.visit import Visit, needs

AGE_SECONDS = 31_536_000

router = APIRouter()


@router.get(PATH, include_in_schema=False)
def script(visit: Annotated[Visit, needs("public.read")]) -> Response:
    """The script, kept by browsers: its address names its content."""
    data = htmx()
    if data is None:
        fail("API-NOT-FOUND", visit.request.url.path)
    headers = {"Cache-Control": f"public, max-age={AGE_SECONDS}, immutable"}
    return Response(data, 200, headers, media_type="text/javascript")
