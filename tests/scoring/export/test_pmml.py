from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from tests.scoring.export.conftest import Rows, cards_and_rows
from xinqiao.scoring.card import Card
from xinqiao.scoring.export.pmml import to_pmml

Engine = Callable[[str, Rows], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """An engine of another house: PMML4S on Java."""
    pypmml = pytest.importorskip("pypmml", reason="pypmml is not installed: PMML is written but not run")
    try:
        pypmml.Model.fromString("<PMML/>")
    except pypmml.base.PmmlError:
        pass  # Java is there and says that this is no model
    except Exception as error:  # noqa: BLE001 - whatever keeps Java from starting
        pytest.skip(f"Java cannot be started: {error}")

    def run(text: str, rows: Rows) -> list[dict[str, Any]]:
        model = pypmml.Model.fromString(text)
        try:
            return [model.predict(row) for row in rows]
        finally:
            model.close()

    yield run
    pypmml.PMMLContext.shutdown()


@settings(max_examples=40)
@given(given_=cards_and_rows())
def test_another_engine_scores_exactly_as_the_card(engine: Engine, given_: tuple[Card, Rows]) -> None:
    card, rows = given_
    found = [r["points"] for r in engine(to_pmml(card), rows)]
    assert found == [card.score_one(row) for row in rows]
