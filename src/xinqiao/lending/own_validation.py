"""How well our score, the bank's card and both together told the bank's own good loans from bad ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.lending import own_card
from xinqiao.lending.outcome import Label, labels
from xinqiao.lending.own_data import facts_of
from xinqiao.portrait.credit_file import read
from xinqiao.scoring.card import Card
from xinqiao.scoring.metrics import Ranking, auc

SAMPLES = 2000
LEAST = 10
"""Good and bad loans each that a figure needs."""
PURPOSE = "post_loan"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """AUC of one score with its 95 % interval."""

    name: Text
    auc: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OwnValidation:
    """On how many loans, and what came out; no ``measured`` where there are too few.

    ``gain``: AUC of both together less that of ours alone, on the same resampled loans.
    """

    loans: int
    bads: int
    without_grant: int
    measured: tuple[Measured, ...]
    gain: Measured | None


def validate(tx: Tx, actor: Actor, card: Card) -> OwnValidation:
    """Measure on the bank's labels; a company's file is read under its grant for after the loan, and logged.

    Loans of companies without such a grant are left out of all figures, so that they compare.
    """
    told = labels(tx)
    own = facts_of(tx, actor.institution, [label.company_id for label in told]) if actor.institution else {}
    ours: dict[str, tuple[float, float]] = {}
    for company in dict.fromkeys(label.company_id for label in told):
        try:
            with tx.transaction():  # a refusal leaves no trace of the scope it was found under
                file, _ = read(tx, actor, company, PURPOSE)
        except UserError:
            continue
        if file.score is not None:
            values = {name: value.value for name, value in file.indicators.items()}
            added = own_card.points(card, values, own.get(company, {})).points
            ours[company] = (float(file.score["points"]), added)
    known = [label for label in told if label.company_id in ours]
    return _measure(known, ours, len(told) - len(known))


def _measure(known: Sequence[Label], ours: dict[str, tuple[float, float]], without: int) -> OwnValidation:
    bad = np.array([label.bad for label in known], dtype=np.float64)
    bads = int(bad.sum())
    if min(bads, len(known) - bads) < LEAST:
        return OwnValidation(len(known), bads, without, (), None)
    points = np.array([ours[label.company_id] for label in known])
    risks = [-points[:, 0], -points[:, 1], -points.sum(axis=1)]
    names = (
        Text(zh="平台评分", en="platform's score"),
        Text(zh="本行评分卡", en="own card"),
        Text(zh="两者相加", en="both together"),
    )
    drawn = _resampled(risks, bad)
    measured = tuple(_of(name, auc(r, bad), d) for name, r, d in zip(names, risks, drawn, strict=True))
    gain = _of(
        Text(zh="叠加后的提升", en="gain from the own card"),
        measured[2].auc - measured[0].auc,
        drawn[2] - drawn[0],
    )
    return OwnValidation(len(known), bads, without, measured, gain)


def _resampled(risks: Sequence[Floats], bad: Floats) -> list[Floats]:
    """AUCs of every score on the same resampled loans."""
    weight = np.random.default_rng(0).multinomial(len(bad), np.full(len(bad), 1 / len(bad)), SAMPLES)
    found = [Ranking.of(risk).auc(bad, weight.astype(np.float64)) for risk in risks]
    kept = ~np.isnan(found[0])
    return [each[kept] for each in found]


def _of(name: Text, value: float, drawn: Floats) -> Measured:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Measured(name, value, float(low), float(high))
