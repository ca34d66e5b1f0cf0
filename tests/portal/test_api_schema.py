"""The whole API under generated requests: nothing breaks it, nothing of the wrong type gets in."""

from __future__ import annotations

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from tests.consent.people import COMPANY, granted
from tests.lending.applying import town
from tests.portal.conftest import sign
from xinqiao.account.actor import Actor
from xinqiao.db.database import Database

load_all_checks()
CHECKED = CHECKS.get_by_names(
    ["not_a_server_error", "response_schema_conformance", "negative_data_rejection"]
)
EXAMPLES = 2
ROLES = {"api.bank": "bank", "api.platform": "holder", "api.holder": "holder"}


def refuse(case: Case, signed: list[dict[str, str]]) -> None:
    """Send a request as everybody in turn, and look at the answers."""
    for headers in signed:
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKED)


@pytest.mark.slow
def test_no_generated_request_breaks_the_api_or_gets_past_its_types(app: FastAPI, database: Database) -> None:
    bank = town(database).bank
    granted(database, bank, company=COMPANY)
    programs = [
        Actor(side, frozenset({role}), "程序", institution=bank, client=f"c-{role}")  # type: ignore[arg-type]
        for role, side in ROLES.items()
    ]
    signed = [{}, *({"x-test-actor": sign(actor)} for actor in programs)]
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    told: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                _try(operation, mode, signed)
            except Unsatisfiable:
                continue  # an operation that takes nothing can't be asked wrongly
            except Exception as error:  # noqa: BLE001 - all faults of the API in one run
                told.append(f"{operation.label} {mode.value}: {_words(error)}")
    assert told == []


def _words(error: BaseException) -> str:
    parts = getattr(error, "exceptions", ())
    return "; ".join(_words(part) for part in parts) or str(error)[:400]


def _try(operation: APIOperation, mode: GenerationMode, signed: list[dict[str, str]]) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode))
    def tried(case: Case) -> None:
        refuse(case, signed)

    tried()


def test_every_operation_is_described(app: FastAPI) -> None:
    document = app.openapi()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        assert path.startswith(("/api/v1/", "/log/")), path
        for method, operation in operations.items():
            assert operation.get("summary"), f"{method} {path}"
