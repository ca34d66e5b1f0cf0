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

PEER_GROUP = "peer_group"
IN_DEFAULT = "in_default"
"""Keys of an application that the scorer reads."""

ROUTED = {"segment", "overlay"}
"""What only the score of a model with routes says."""

DIRECTIONS: tuple[Literal["lost", "gained"], ...] = ("lost", "gained")


def basis_of(model: Model, policy: Policy) -> Basis:
    """What decides by ``model`` and ``policy``."""
    return Basis(model.model_id, model.to_json(), scorer_of(model), policy)


@lru_cache(maxsize=8)
def read_scorer(data: bytes) -> Scorer:
    """The scorer of a stored model; raises UserError SCR-CARD-FORMAT."""
    return scorer_of(Model.from_json(data))


def scorer_of(model: Model) -> Scorer:
    """A scorer giving points, pd, grade, contributions and reasons as plain JSON values.

    The application may name the ``peer_group`` reasons compare with, and say that the company is
    ``in_default``: its grade is then the scale's grade of default, whatever it scores. A model with
    routes reads the company's kind and industry there too, and the score names segment and overlay.

    Reasons are kept as codes and numbers; their sentences are made when shown, so a record does
    not change with the wording of an indicator's name.
    """

    def score(values: Mapping[str, float | None], application: Mapping[str, Any]) -> dict[str, Any]:
        row: dict[str, Value] = {**values, **{name: application.get(name) for name in model.facts}}
        found = model.score_one(row).model_dump(mode="json", exclude=None if model.routes else ROUTED)
        if application.get(IN_DEFAULT):
            found |= {"grade": model.scale.default.id, "grade_by_score": found["grade"]}
        group = application.get(PEER_GROUP)
        codes = [
            reason.model_dump(mode="json", exclude={"sentence"})
            for direction in DIRECTIONS
            for reason in model.reasons(row, {}, group=group, limit=MOST_REASONS, direction=direction)
        ]
        return {**found, "pd": round(found["pd"], PD_DIGITS), "reasons": codes}

    return score
