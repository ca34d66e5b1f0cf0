"""Deciding: one case in, one traced decision out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from xinqiao.policy.case import Inputs, read_inputs
from xinqiao.policy.compiled import Policy
from xinqiao.policy.decision import Decision
from xinqiao.policy.single import single


def decide(policy: Policy, inputs: Mapping[str, Any], missing: Mapping[str, str] | None = None) -> Decision:
    """Decide on plain ``inputs`` by name (None: missing, with its reason code in ``missing``).

    Deterministic: the same policy and inputs give an equal decision.
    Raises UserError POL-CASE when a value is not of its declared type.
    """
    return decide_inputs(policy, read_inputs(policy, inputs, missing or {}))


def decide_inputs(policy: Policy, inputs: Inputs) -> Decision:
    """Decide on inputs already read from a case."""
    return Decision.from_json(json.loads(decide_json(policy, inputs)))


def decide_json(policy: Policy, inputs: Inputs) -> bytes:
    """The same decision as canonical JSON, which takes a tenth of the time."""
    return single(policy).run(inputs.values, inputs.reasons)
