"""Generated cases as every engine takes them, and what is compared."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from xinqiao.city.cases import generate_cases
from xinqiao.policy.batch import EFFECTS, decide_batch
from xinqiao.policy.case import Inputs, read_inputs
from xinqiao.policy.compiled import Policy
from xinqiao.policy.decision import Decision
from xinqiao.policy.frame import read_frame
from xinqiao.policy.wording import show

Plain = tuple[dict[str, Any], dict[str, str]]


@dataclass(frozen=True)
class Cases:
    """The same generated cases as a table, and as read by the policy one by one."""

    table: pa.Table
    inputs: list[Inputs]


def plain_cases(policy: Policy, table: pa.Table) -> list[Plain]:
    """Values and missing reasons of each case of a table, as they would come from JSON."""
    frame = read_frame(policy, table)
    values, codes = (
        {name: column.to_pylist() for name, column in part.items()} for part in (frame.columns, frame.missing)
    )
    return [
        (
            {name: column[i] for name, column in values.items()},
            {name: column[i] for name, column in codes.items() if column[i]},
        )
        for i in range(len(table))
    ]


def generated_cases(policy: Policy, rows: int, seed: int = 1) -> Cases:
    """``rows`` generated cases; missing values come with their reasons."""
    table = generate_cases(policy, rows, seed)
    return Cases(table, [read_inputs(policy, *case) for case in plain_cases(policy, table)])


def line_of(outcome: str, limit: Decimal | None, rate: Decimal | None, codes: list[str]) -> str:
    """What engines are compared by: outcome, limit, rate and the set of codes with what they lead to."""
    return "\t".join([outcome, str(show(limit) or ""), str(show(rate) or ""), ",".join(sorted(codes))])


def line_of_decision(decision: Decision) -> str:
    """The same of our own decision."""
    codes = [f"{reason.code} {reason.effect}" for reason in decision.reasons]
    return line_of(decision.outcome, decision.limit_cny, decision.rate, codes)


def lines_of_batch(policy: Policy, table: pa.Table) -> list[str]:
    """The same of a table decided at once."""
    frame = read_frame(policy, table)
    batch = decide_batch(policy, frame.columns, frame.missing)
    decided = batch.to_arrow()
    lines = []
    terms = (decided[name].to_pylist() for name in ("outcome", "limit_cny", "rate"))
    for row, (outcome, limit, rate) in enumerate(zip(*terms, strict=True)):
        spoken = np.flatnonzero(batch.effects[:, row])
        codes = [f"{batch.checks[i].code} {EFFECTS[batch.effects[i, row]]}" for i in spoken]
        lines.append(line_of(outcome, limit, rate, codes))
    return lines


def differences(cases: Cases, found: list[str], expected: list[str]) -> list[str]:
    """The cases that two engines decide otherwise, each with both decisions."""
    pairs = zip(cases.inputs, found, expected, strict=True)
    return [f"{inputs}: {one!r}, not {other!r}" for inputs, one, other in pairs if one != other]
