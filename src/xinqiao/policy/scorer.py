"""The score part of a decision record, from a model of the scoring package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xinqiao.policy.compiled import Policy
from xinqiao.policy.record import Basis, Scorer
from xinqiao.scoring.model import Model

MOST_REASONS = 4


def basis_of(model: Model, policy: Policy) -> Basis:
    """What decides by ``model`` and ``policy``."""
    return Basis(model.model_id, model.to_json(), scorer_of(model), policy)


def read_scorer(data: bytes) -> Scorer:
    """The scorer of a stored model; raises UserError SCR-CARD-FORMAT."""
    return scorer_of(Model.from_json(data))


def scorer_of(model: Model) -> Scorer:
    """A scorer giving points, pd, grade, contributions and reasons as plain JSON values.

    Reasons are kept as codes and numbers; their sentences are made when shown, so a record does
    not change with the wording of an indicator's name.
    """

    def score(values: Mapping[str, float | None]) -> dict[str, Any]:
        row = {name: values.get(name) for name in values}
        return {
            **model.score_one(dict(row)).model_dump(mode="json"),
            "reasons": [
                reason.model_dump(mode="json", exclude={"sentence"})
                for direction in ("lost", "gained")
                for reason in model.reasons(dict(row), {}, limit=MOST_REASONS, direction=direction)
            ],
        }

    return score
