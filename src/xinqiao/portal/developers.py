"""The API's document for people: drawn on the server from openapi.json, without a script."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import Response

from xinqiao.account.actor import permissions
from xinqiao.account.webhook import KINDS
from xinqiao.portal.problems import SUFFIXES
from xinqiao.portal.visit import Visit, needs
from xinqiao.portrait.sandbox import sandbox_ids

router = APIRouter(include_in_schema=False)
DEPTH = 4
"""How far examples follow references into each other."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint in words."""

    method: str
    path: str
    name: str
    said: str
    parameters: list[dict[str, Any]]
    body: str | None
    answer: str | None
    status: str


@router.get("/developers")
def developers(visit: Annotated[Visit, needs("public.read")]) -> Response:
    """How to begin, every endpoint with an example, webhooks and errors."""
    document = visit.request.app.openapi()
    groups: dict[str, list[Operation]] = {}
    for path, found in document["paths"].items():
        for method, told in found.items():
            tag = (told.get("tags") or ["其他 others"])[0]
            groups.setdefault(tag, []).append(_operation(document, path, method, told))
    return visit.page(
        "developers.html",
        address=visit.platform.address,
        version=document["info"]["version"],
        openapi=document["openapi"],
        groups=groups,
        kinds=KINDS,
        suffixes=SUFFIXES,
        scopes={k: p.name for k, p in permissions().items() if any(r.startswith("api.") for r in p.roles)},
        sandbox=(sandbox_ids()[0], sandbox_ids()[-1]),
    )


def _operation(document: dict[str, Any], path: str, method: str, told: dict[str, Any]) -> Operation:
    status = min((code for code in told["responses"] if code.startswith("2")), default="200")
    return Operation(
        method.upper(),
        path,
        told.get("summary", ""),
        told.get("description", ""),
        [
            {"description": "", "required": False, **p, "type": _type(p.get("schema", {}))}
            for p in told.get("parameters", [])
        ],
        _example_of(document, told.get("requestBody", {})),
        _example_of(document, told["responses"].get(status, {})),
        status,
    )


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " / ".join(map(str, schema["enum"]))
    options = [_type(one) for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return " / ".join(options) or str(schema.get("format") or schema.get("type", ""))


def _example_of(document: dict[str, Any], holder: dict[str, Any]) -> str | None:
    schema = holder.get("content", {}).get("application/json", {}).get("schema")
    if not schema:
        return None
    return json.dumps(_example(document, schema, DEPTH), ensure_ascii=False, indent=2)


def _example(document: dict[str, Any], schema: dict[str, Any], depth: int) -> Any:  # noqa: ANN401 - any JSON
    """A value of the shape of ``schema``."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    for name in ("example", "default", "const"):
        if schema.get(name) is not None:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return _example(document, schema[choice][0], depth)
    kind = schema.get("type")
    if kind == "object":
        known = schema.get("properties", {}) if depth else {}
        return {name: _example(document, one, depth - 1) for name, one in known.items()}
    if kind == "array":
        items = schema.get("items", {})
        return [_example(document, items, depth - 1)] if depth and items else []
    return _plain(kind, schema.get("format"))


_FORMATS = {"uuid": "01a1f0c2-…", "date": "2026-12-31", "date-time": "2026-11-22T09:30:00+08:00"}


def _plain(kind: object, form: object) -> object:
    if kind == "string":
        return _FORMATS.get(str(form), "…")
    return {"integer": 12, "number": 0.0435, "boolean": True}.get(str(kind))
