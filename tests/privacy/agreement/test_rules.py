from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.privacy.agreeing import ROWS, RULE, SUBJECTS, identity, peers, trial
from tests.privacy.manifests import PUBLIC, data, manifest
from xinqiao.kernel.clock import now, standing
from xinqiao.privacy.agreement.rules import ANY, Ask, Policy, Refuse, Rule, Sign, decide, learners, receivers
from xinqiao.privacy.agreement.source_data import Source
from xinqiao.privacy.job import kind
from xinqiao.privacy.job.manifest import Engine, Manifest, Party
from xinqiao.privacy.modelling import data_value, scorecard
from xinqiao.privacy.sums import statistics

ME = Party(
    name="tax",
    certificate=identity("tax").certificate,
    signing_key=identity("tax").signing_key,
    role="none",
)
SOURCE = Source(name="table", file=Path("table.csv"), fields={"id": "id", "sales": "money", "name": "text"})


@pytest.fixture(autouse=True)
def _kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind, "kind_named", {"rows": ROWS}.get)


def _policy(*rules: Rule) -> Policy:
    return Policy(peers(["bank", "tax", "platform"], "tax"), rules, {"table": SOURCE})


def _answer(told: Manifest, **changed: Any) -> str:  # noqa: ANN401 - fields of Rule
    """``sign``, ``ask``, or the code of the refusal."""
    answer = decide(told, ME, _policy(RULE.model_copy(update=changed)))
    if isinstance(answer, Refuse):
        return answer.error.code
    return "sign" if isinstance(answer, Sign) else "ask"


def test_nothing_is_allowed_where_nothing_is_said() -> None:
    answer = decide(trial(), ME, _policy())
    assert isinstance(answer, Refuse)
    assert answer.error.code == "PRV-RULE"


def test_a_rule_signs_or_asks() -> None:
    assert _answer(trial()) == "sign"
    assert _answer(trial(), answer="ask") == "ask"
    open_wide = {"peers": (ANY,), "kinds": (ANY,), "purposes": (ANY,), "sources": (ANY,), "columns": (ANY,)}
    assert _answer(trial(), **open_wide) == "sign"


@pytest.mark.parametrize(
    "narrow",
    [
        {"peers": ("insurer",)},
        {"kinds": ("intersection",)},
        {"purposes": ("marketing",)},
        {"roles": ("dealer",)},
        {"receivers": ()},
        {"sources": ()},
        {"columns": ("id",)},
        {"columns": ("sales",)},
        {"deployments": ("other",)},
        {"engines": ("spu",)},
        {"rows_at_least": 10},
        {"rows_at_most": 10},
        {"consents": "subjects"},
        {"params": {"count": (True,)}},
        {"attempts": 2},
    ],
)
def test_each_part_of_a_rule_holds(narrow: dict[str, Any]) -> None:
    assert _answer(trial(), **narrow) == "PRV-RULE"


def test_parameters_are_free_unless_a_rule_names_their_values() -> None:
    told = trial().model_copy(update={"params": {"count": True, "salt": 3}})
    assert _answer(told) == "sign"
    assert _answer(told, params={"count": (True,)}) == "sign"
    assert _answer(told, params={"count": (False, None)}) == "PRV-RULE"


def test_consents_of_subjects_satisfy_a_rule_that_asks_for_them() -> None:
    assert _answer(trial(SUBJECTS), consents="subjects") == "sign"
    assert _answer(trial(PUBLIC), consents="subjects") == "PRV-RULE"


def test_parties_must_be_who_they_are_known_as() -> None:
    told = trial()
    bank, tax = told.parties
    for changed, code in (
        ((bank.model_copy(update={"certificate": "0" * 64}), tax), "PRV-PEER-UNKNOWN"),
        ((bank.model_copy(update={"signing_key": "0" * 64}), tax), "PRV-PEER-UNKNOWN"),
        ((bank, tax.model_copy(update={"certificate": "0" * 64})), "PRV-MANIFEST"),
        ((bank, tax.model_copy(update={"name": "stranger"})), "PRV-PEER-UNKNOWN"),
        ((bank, tax.model_copy(update={"role": "judge"})), "PRV-MANIFEST"),
    ):
        assert _answer(told.model_copy(update={"parties": changed})) == code
    others = manifest("rows", {"bank": ("holder", data()), "platform": "dealer"})
    assert _answer(others) == "PRV-MANIFEST"


def test_source_and_columns_must_be_there() -> None:
    told = trial()
    bank, tax = told.parties
    for brought in (data("secret"), data("sales", source="other"), data("sales", "sales"), data(key=None)):
        changed = told.model_copy(update={"parties": (bank, tax.model_copy(update={"input": brought}))})
        assert _answer(changed) == "PRV-SOURCE"


def test_a_manifest_has_a_near_day_and_a_known_kind() -> None:
    told = trial()
    assert _answer(told.model_copy(update={"expires": now() + timedelta(days=40)})) == "PRV-EXPIRED"
    with standing(now() + timedelta(hours=2)):
        assert _answer(told) == "PRV-EXPIRED"
    assert _answer(told.model_copy(update={"kind": "unknown"})) == "PRV-KIND"
    assert _answer(told.model_copy(update={"version": 2})) == "PRV-KIND"
    assert _answer(told.model_copy(update={"engine": Engine(name="spu")})) == "PRV-RULE"


def test_who_receives_is_who_the_parameter_names_else_whose_role_does() -> None:
    told = manifest("rows", {"bank": ("holder", data()), "tax": ("holder", data()), "platform": "dealer"})
    assert receivers(told, ROWS) == ("bank", "tax")
    for named, expected in (
        (["bank"], ("bank",)),
        ("tax", ("tax",)),
        ("all", ("bank", "tax")),
        ([], ("bank", "tax")),
    ):
        assert receivers(told.model_copy(update={"params": {"result_to": named}}), ROWS) == expected
    only = told.model_copy(update={"params": {"result_to": ["tax"]}})
    allowed = {"receivers": (), "peers": ("bank", "platform")}
    assert _answer(only, **allowed) == "sign"
    assert _answer(told, **allowed) == "PRV-RULE"


def test_over_subjects_all_who_align_receive_whoever_the_result_goes_to() -> None:
    """All of them learn the common ids (``alignment``), and ``result_to`` is the proposer's to choose."""
    params = {"measures": ["sum"], "result_to": ["platform"], "over": "subjects"}
    held = {name: ("holder", data("sales")) for name in ("bank", "tax")}
    told = manifest("statistics", {**held, "platform": "receiver"}, params)
    assert receivers(told, statistics.KIND) == ("bank", "tax", "platform")
    asked = manifest("statistics", {**held, "platform": "receiver", "insurer": ("asker", data())}, params)
    assert receivers(asked, statistics.KIND) == ("bank", "tax", "platform", "insurer")
    rows = told.model_copy(update={"params": {**params, "over": "rows"}})
    assert receivers(rows, statistics.KIND) == ("platform",)


def test_a_rule_names_who_learns_ids_of_an_alignment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind, "kind_named", {"statistics": statistics.KIND}.get)
    held = {name: ("holder", data("sales")) for name in ("bank", "tax")}
    params = {"measures": ["sum"], "result_to": ["platform"], "over": "subjects"}
    told = manifest("statistics", {**held, "platform": "receiver"}, params)
    allowed = {"kinds": ("statistics",), "peers": ("bank", "platform")}
    assert _answer(told, **allowed, receivers=("platform",)) == "PRV-RULE"
    assert _answer(told, **allowed, receivers=("platform", "bank")) == "sign"
    over_rows = told.model_copy(update={"params": {**params, "over": "rows"}})
    assert _answer(over_rows, **allowed, receivers=("platform",)) == "sign"


@pytest.mark.parametrize("told", [data_value.KIND, scorecard.KIND])
def test_a_dealer_that_sees_nameless_rows_is_for_rules_and_budget_not_for_consents(told: kind.Kind) -> None:
    asked = manifest(
        told.name,
        {"bank": ("bank", data("sales")), "tax": ("holder", data("sales")), "platform": "dealer"},
        {"label": "sales"},
    )
    assert receivers(asked, told) == ("bank", "tax")
    assert learners(asked, told) == ("bank", "tax", "platform")


@given(st.lists(st.sampled_from(["bank", "tax", "platform", "insurer"]), max_size=4), st.booleans())
def test_the_first_rule_that_fits_answers(names: list[str], ask_first: bool) -> None:  # noqa: FBT001 - hypothesis
    rules = [RULE.model_copy(update={"name": f"r{i}", "peers": (name,)}) for i, name in enumerate(names)]
    if ask_first:
        rules.insert(0, RULE.model_copy(update={"answer": "ask"}))
    answer = decide(trial(), ME, _policy(*rules))
    expected: type = Ask if ask_first else Sign if "bank" in names else Refuse
    assert type(answer) is expected
    if isinstance(answer, Sign):
        assert answer.rule.name == f"r{names.index('bank')}"
