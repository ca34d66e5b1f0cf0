"""The result of a policy: outcome, limit, rate, reasons, notes and the trace behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from xinqiao.kernel.text import Text
from xinqiao.policy.format import Outcome
from xinqiao.policy.wording import Shown, show

Effect = Literal["ignore", "refer", "reject"]
SEVERITY: dict[Effect, int] = {"ignore": 0, "refer": 1, "reject": 2}
OUTCOMES: tuple[Outcome, ...] = ("approve", "refer", "reject")
"""Outcomes by the severity of the worst that stands against an approval."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a case is not simply approved, or (effect ``ignore``, in the notes) what was not looked at.

    ``source`` is the id of the rule, table or input it comes from.
    """

    code: str
    source: str
    effect: Effect
    text: Text

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "code": self.code,
            "source": self.source,
            "effect": self.effect,
            "text": {"zh": self.text.zh, "en": self.text.en},
        }


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of the evaluation.

    ``kind`` is input, derive, table, rule, limit, price or outcome; ``inputs`` and ``result`` hold
    decimals as texts, truth values, or None for missing; ``effect`` is ``ignore`` when the step
    does not stand against an approval; ``detail`` names the missing reason or the rows hit.
    """

    kind: str
    id: str
    name: Text
    inputs: dict[str, Shown]
    result: Shown | dict[str, Shown]
    effect: str
    detail: str

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": self.kind,
            "id": self.id,
            "name": {"zh": self.name.zh, "en": self.name.en},
            "inputs": dict(self.inputs),
            "result": self.result,
            "effect": self.effect,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision. Limit (CNY), annual rate and term (months) stand only beside an approval."""

    outcome: Outcome
    limit_cny: Decimal | None
    rate: Decimal | None
    term_months: int | None
    reasons: tuple[Reason, ...]
    notes: tuple[Reason, ...]
    trace: tuple[TraceStep, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Decision:
        """The decision that ``as_json`` gave."""
        limit, rate = data["limit_cny"], data["rate"]
        return cls(
            outcome=data["outcome"],
            limit_cny=None if limit is None else Decimal(limit),
            rate=None if rate is None else Decimal(rate),
            term_months=data["term_months"],
            reasons=tuple(Reason(**{**each, "text": Text(**each["text"])}) for each in data["reasons"]),
            notes=tuple(Reason(**{**each, "text": Text(**each["text"])}) for each in data["notes"]),
            trace=tuple(TraceStep(**{**each, "name": Text(**each["name"])}) for each in data["trace"]),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON; decimals as texts, so that no digit is lost."""
        return {
            "outcome": self.outcome,
            "limit_cny": show(self.limit_cny),
            "rate": show(self.rate),
            "term_months": self.term_months,
            "reasons": [reason.as_json() for reason in self.reasons],
            "notes": [note.as_json() for note in self.notes],
            "trace": [step.as_json() for step in self.trace],
        }
