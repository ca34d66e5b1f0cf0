"""The score part of a decision record, from a model of the scoring package."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from xinqiao.policy.compiled import Policy
from xinqiao.policy.record import Basis, Scorer
from xinqiao.scoring.card import Value
from xinqiao.scoring.model import Model

MOST_REASONS = 4
PD_DIGITS = 9
"""PDs are kept to 1e-9: the last bits of exp and log differ from one machine's library to another's."""

_DIRECTIONS: tuple[Literal["lost", "gained"], ...] = ("lost", "gained")


def basis_of(model: Model, policy: Policy) -> Basis:
    """What decides by ``model`` and ``policy``."""
    return Basis(model.model_id, model.to_json(), scorer_of(model), policy)


@lru_cache(maxsize=8)
def read_scorer(data: bytes) -> Scorer:
    """The scorer of a stored model; raises UserError SCR-CARD-FORMAT."""
    return scorer_of(Model.from_json(data))


def scorer_of(model: Model) -> Scorer:
    """A scorer giving points, pd, grade, contributions and reasons as plain JSON values.

    Reasons are kept as codes and numbers; their sentences are made when shown, so a record does
    not change with the wording of an indicator's name.
    """

    def score(values: Mapping[str, float | None]) -> dict[str, Any]:
        row: dict[str, Value] = dict(values)
        found = model.score_one(row).model_dump(mode="json")
        codes = [
            reason.model_dump(mode="json", exclude={"sentence"})
            for direction in _DIRECTIONS
            for reason in model.reasons(row, {}, limit=MOST_REASONS, direction=direction)
        ]
        return {**found, "pd": round(found["pd"], PD_DIGITS), "reasons": codes}

    return score
