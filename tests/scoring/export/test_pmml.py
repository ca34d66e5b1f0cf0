import shutil
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from tests.scoring.export.conftest import Rows, cards_and_rows
from tests.scoring.test_card import variable
from xinqiao.kernel.errors import UserError
from xinqiao.scoring.card import Card, Value
from xinqiao.scoring.export.pmml import NAMESPACE, to_pmml

Engine = Callable[[str, Rows], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """An engine of another house: PMML4S on Java."""
    pypmml = pytest.importorskip("pypmml", reason="pypmml is not installed: PMML is written but not run")
    if shutil.which("java") is None:
        pytest.skip("no java on this machine: PMML is written but not run")

    def run(text: str, rows: Rows) -> list[dict[str, Any]]:
        model = pypmml.Model.fromString(text)
        return [dict(model.predict(row)) for row in rows]

    yield run
    pypmml.PMMLContext.shutdown()


@settings(max_examples=20)
@given(given_=cards_and_rows())
def test_another_engine_scores_exactly_as_the_card(engine: Engine, given_: tuple[Card, Rows]) -> None:
    card, rows = given_
    found = [r["points"] for r in engine(to_pmml(card), rows)]
    assert found == [card.score_one(row) for row in rows]


def test_the_engine_names_the_columns_that_cost_most(engine: Engine) -> None:
    card = Card(base_points=500, variables=(variable(name="a"), variable(name="b"), variable(name="c")))
    row: dict[str, Value] = {"a": None, "b": 1.0, "c": 9.0}  # short of the best bin by 15, 22 and 0
    (found,) = engine(to_pmml(card), [row])
    assert (found["reason_1"], found["reason_2"]) == ("b", "a")


def test_it_is_a_scorecard_of_the_stated_version() -> None:
    root = ET.fromstring(to_pmml(Card(base_points=1, variables=(variable(),))))  # noqa: S314 - our own text
    assert root.attrib["version"] == "4.4"
    assert root.find(f"{{{NAMESPACE}}}Scorecard/{{{NAMESPACE}}}Characteristics") is not None


@pytest.mark.parametrize("name", ["a\x00", "a\ufffe", " a", "a\n"])
def test_names_that_xml_would_change_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="SCR-EXPORT"):
        to_pmml(Card(base_points=1, variables=(variable(name=name),)))
