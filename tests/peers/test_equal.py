"""One meaning in four engines: one by one, in columns, zen-engine and Drools decide alike.

10,000 generated cases of the shipped policy here; ``make bench`` (section decisions) compares 100,000.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.peers.cases import Cases, differences, generated_cases, line_of_decision, lines_of_batch
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.evaluate import decide_inputs
from xinqiao.policy.load import load_policy

ROWS = {"small_firm_credit": 10_000, "rich": 2_000}

RICH = Path(__file__).with_name("rich.yaml").read_text("utf-8")


def _policies() -> list[Policy]:
    return [load_policy("small_firm_credit"), compile_policy(RICH, "rich.yaml")]


@pytest.fixture(scope="module", params=_policies(), ids=lambda policy: policy.file.id)
def policy(request: pytest.FixtureRequest) -> Policy:
    found: Policy = request.param
    return found


@pytest.fixture(scope="module")
def cases(policy: Policy) -> Cases:
    return generated_cases(policy, ROWS[policy.file.id])


@pytest.fixture(scope="module")
def decided(policy: Policy, cases: Cases) -> list[str]:
    return [line_of_decision(decide_inputs(policy, inputs)) for inputs in cases.inputs]


def test_the_cases_tell_something(decided: list[str]) -> None:
    outcomes = [line.partition("\t")[0] for line in decided]
    assert all(outcomes.count(outcome) > len(decided) / 50 for outcome in ("approve", "refer", "reject"))


def test_columns_decide_as_one_by_one(policy: Policy, cases: Cases, decided: list[str]) -> None:
    assert differences(cases, lines_of_batch(policy, cases.table), decided) == []


@pytest.mark.slow
def test_zen_decides_as_we_do_when_told_our_rule_for_missing_values(
    policy: Policy, cases: Cases, decided: list[str]
) -> None:
    pytest.importorskip("zen", reason="zen-engine is not installed")
    from tests.peers.zen import ZenPolicy  # noqa: PLC0415 - the peer may be absent

    zen = ZenPolicy(policy)
    assert differences(cases, [zen.decide(inputs) for inputs in cases.inputs], decided) == []


@pytest.mark.slow
def test_drools_decides_as_we_do_when_told_our_rule_for_missing_values(
    policy: Policy, cases: Cases, decided: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("drools", reason="drools-jpy is not installed")
    if not shutil.which("javac"):
        pytest.skip("no JDK (javac): the rules of Drools cannot be compiled")
    from tests.peers.drools import Drools  # noqa: PLC0415 - the peer may be absent

    assert differences(cases, Drools(policy, tmp_path).decide(cases.inputs), decided) == []
