"""What decides on a case: the product's policy or the bank's own; our model, the bank's own card on top."""

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
from xinqiao.portrait.credit_file import CreditFile, model_bytes
from xinqiao.scoring.card import Card

FORMAT = "xinqiao.model-with-own-card"


def panel_of(tx: Tx, case: Case, product: Product, file: CreditFile) -> Panel:
    """All that decides on ``case`` now. Raises UserError PTR-ABSENT (no model) or as policies do."""
    data = model_bytes(tx, file.model_id)
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
    """The scorer of a stored model, with a bank's own card on top or without."""
    if not data.startswith(b'{"card":'):
        return read_scorer(data)
    told = json.loads(data)
    base, card = read_scorer(told["model"].encode()), Card.from_json(told["card"])

    def score(values: Mapping[str, float | None], application: Mapping[str, Any]) -> dict[str, Any]:
        own = {k.removeprefix(PREFIX): v for k, v in application.items() if k.startswith(PREFIX)}
        return on_top(base(values, application), card, points(card, values, own))

    return score
