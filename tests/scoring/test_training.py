from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tests.scoring.conftest import SIGNS, Sample
from xinqiao.kernel.errors import UserError
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.training import refuse_outcomes, train

OUTCOMES = {"credit.bank_rating", "credit.defaulted", "银行人工评级"}


@pytest.mark.parametrize(
    "name",
    [
        "bank_rating",
        "Bank-Rating",
        "bankRating",
        "log_bank_rating",
        "bank_rating=A",
        "银行人工评级编码",
        "credit.defaulted",
        "was_defaulted",
    ],
)
def test_columns_from_an_outcome_are_refused_by_name(sample: Sample, name: str) -> None:
    frame, y = sample
    with pytest.raises(UserError) as error:
        train(frame.assign(**{name: 1.0}), y, signs=SIGNS, outcome_derived=OUTCOMES)
    assert error.value.code == "SCR-OUTCOME-FEATURE"
    assert error.value.where == name
    assert any(field in str(error.value) for field in OUTCOMES)


def test_columns_computed_from_an_outcome_are_refused_whatever_their_name() -> None:
    with pytest.raises(UserError, match=r"SCR-OUTCOME-FEATURE.*credit\.bank_rating"):
        refuse_outcomes(["X1"], OUTCOMES, {"X1": ["invoice.amount_cents", "credit.bank_rating"]})


@pytest.mark.parametrize("name", ["INV01", "rating_agency_count", "undefaulted_x", "bank"])
def test_other_columns_pass(name: str) -> None:
    refuse_outcomes([name], OUTCOMES, {name: ["invoice.amount_cents"]})


@pytest.mark.parametrize("copy", [lambda y: y, lambda y: 5 - 3 * y, lambda y: np.where(y > 0, "C", "A")])
def test_a_copy_of_the_target_is_refused(sample: Sample, copy: Callable[[Floats], Floats]) -> None:
    frame, y = sample
    with pytest.raises(UserError, match="SCR-TARGET-COPY"):
        train(frame.assign(q=copy(y)), y, signs=SIGNS)


def test_too_few_outcomes_are_refused_with_what_is_needed(sample: Sample) -> None:
    frame, _ = sample
    y = np.zeros(len(frame))
    y[:4] = 1
    with pytest.raises(UserError, match="SCR-FEW-BADS") as error:
        train(frame, y, signs=SIGNS)
    assert "4 bad and 1496 good, at least 10" in error.value.what.en


@pytest.mark.parametrize("value", [2.0, np.nan])
def test_a_target_that_is_not_zero_or_one_is_refused(sample: Sample, value: float) -> None:
    frame, y = sample
    with pytest.raises(UserError, match="SCR-TARGET"):
        train(frame, np.r_[value, y[1:]], signs=SIGNS)


def test_constant_and_empty_columns_leave_with_the_reason(sample: Sample) -> None:
    frame, y = sample
    odd = frame.assign(one=1.0, nothing=np.nan, text="x")
    model = train(odd, y, signs=SIGNS, repeats=1, estimator=Scorecard(signs=SIGNS, penalties=(4.0,)))
    reasons = {d.name: d.reason.en for d in model.card.provenance.dropped}
    assert reasons["one"] == reasons["text"] == "one value only"
    assert reasons["nothing"] == "missing for every company"


def test_without_a_usable_column_there_is_no_model(sample: Sample) -> None:
    _, y = sample
    with pytest.raises(UserError, match="SCR-NO-FEATURE"):
        train(pd.DataFrame({"one": np.ones(len(y))}), y, signs={})
    noise = np.random.default_rng(0).normal(size=len(y))
    with pytest.raises(UserError, match="SCR-NO-FEATURE"):
        train(pd.DataFrame({"noise": noise}), y, signs={"noise": 1}, repeats=1)


def test_a_trained_model_says_how_it_was_made(sample: Sample) -> None:
    frame, y = sample
    model = train(frame, y, signs=SIGNS, repeats=2, target="default in 12 months", as_of="2024-12-31")
    assert model.card.provenance.target == "default in 12 months"
    assert model.card.provenance.as_of == "2024-12-31"
    assert model.validation is not None
    assert model.validation.repeats == 2
    assert model.validation.auc > 0.7
    assert model.calibration.method == "beta"
    again = train(frame, y, signs=SIGNS, repeats=2, target="default in 12 months", as_of="2024-12-31")
    assert again.to_json() == model.to_json()
