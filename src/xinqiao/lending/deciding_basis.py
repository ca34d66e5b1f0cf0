"""What decides on a case: the product's policy or the bank's own, on the score as the platform delivered it.

The score is made of all sources; a bank is granted the score and only the sources its product needs, so it
is not made again from those: it stands in the application, and a bank's own card can be put on top.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from xinqiao.db.database import Tx
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import UserError
from xinqiao.lending.bank_release import Deciding, deciding
from xinqiao.lending.case_state import Case
from xinqiao.lending.own_card import current, on_top, points
from xinqiao.lending.own_data import PREFIX
from xinqiao.lending.product import Product
from xinqiao.policy.compiled import Policy
from xinqiao.policy.record import Basis, Scorer
from xinqiao.policy.release import CHAMPION, Panel
from xinqiao.policy.scorer import read_scorer
from xinqiao.portrait.credit_file import CreditFile
from xinqiao.scoring.card import Card

FORMAT = "xinqiao.model-with-own-card"
DELIVERED = "xinqiao.score-as-delivered"
SCORE = "platform_score"
"""Key of an application that holds the score as delivered."""


def panel_of(tx: Tx, case: Case, product: Product, file: CreditFile) -> Panel:
    """All that decides on ``case`` now. Raises UserError as policies do."""
    data = canonical_json({"format": DELIVERED, "model": file.model_id})
    card = current(tx, case.institution_id)
    if card is not None:
        data = canonical_json({"format": FORMAT, "model": data.decode(), "card": card.body})
    scorer = scorer_from(data)

    def basis(policy: Policy) -> Basis:
        return Basis(file.model_id, data, scorer, policy)

    return _deciding(tx, case, product).panel(basis)


def _deciding(tx: Tx, case: Case, product: Product) -> Deciding:
    """The bank's own release of the product's policy, else the product's policy of the day."""
    try:
        return deciding(tx, case.institution_id, product.id)
    except UserError as error:
        if error.code != "POL-NOT-FOUND":
            raise
    return Deciding({CHAMPION: product.policy_on(today(), case.term_months)}, None, None)


@lru_cache(maxsize=32)
def scorer_from(data: bytes) -> Scorer:
    """The scorer of a stored artifact: the delivered score, a model, either with a bank's own card on top."""
    told = json.loads(data)
    if told.get("format") == DELIVERED:
        return _delivered
    if told.get("format") != FORMAT:
        return read_scorer(data)
    base, card = scorer_from(told["model"].encode()), Card.from_json(told["card"])

    def score(values: Mapping[str, float | None], application: Mapping[str, Any]) -> dict[str, Any]:
        own = {k.removeprefix(PREFIX): v for k, v in application.items() if k.startswith(PREFIX)}
        return on_top(base(values, application), card, points(card, values, own))

    return score


def _delivered(_: Mapping[str, float | None], application: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = dict(application[SCORE])
    return found
