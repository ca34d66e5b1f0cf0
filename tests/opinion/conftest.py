from __future__ import annotations

from pathlib import Path

import pytest

from tests.opinion.small import write_labelled
from xinqiao.opinion.event import words
from xinqiao.opinion.labelled import Labelled, read_labelled
from xinqiao.opinion.recogniser import Recogniser, train


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """400 generated articles, both kinds of file name read."""
    return read_labelled(write_labelled(tmp_path_factory.mktemp("news") / "train.json"))


@pytest.fixture(scope="session")
def recogniser(labelled: Labelled) -> Recogniser:
    """Trained on the generated articles."""
    return train(labelled.articles, labelled.negative, labelled.about, words())


@pytest.fixture
def judged(tmp_path: Path) -> Labelled:
    """Other generated articles."""
    return read_labelled(write_labelled(tmp_path / "eval.json", 200, seed=1))
