from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.opinion import store
from xinqiao.opinion.article import NAMED, OTHER, Article, read
from xinqiao.opinion.contest import contest, places
from xinqiao.opinion.event import words
from xinqiao.opinion.labelled import Labelled, enough, read_labelled
from xinqiao.opinion.mention import COLUMNS, mentions
from xinqiao.opinion.recogniser import BATCH, Recogniser, _beside, best_threshold, f1, train

FLOOR = {"article": 0.92, "firm": 0.89}
"""F1 on the evaluation set below what was measured: 0.945 for articles, 0.913 for firms."""


def test_it_finds_what_was_planted_and_whom_it_concerns(recogniser: Recogniser, judged: Labelled) -> None:
    negative, said = recogniser.score(judged.articles)
    assert f1(negative >= recogniser.thresholds[0], judged.negative)[0] > 0.95
    assert f1(said.concerned >= recogniser.thresholds[1], judged.about)[0] > 0.9
    assert (said.concerned <= said.negative).all()


def test_a_name_says_nothing(recogniser: Recogniser) -> None:
    """The same words about firms of names of one length get the same probabilities."""
    text = "据本市消息，{}（{}）涉嫌非法集资。今日，{}发布新款产品。"
    told = [
        recogniser.score([Article("", text.format(a, a, b), (a, b))])
        for a, b in (("甲甲公司", "乙乙公司"), ("丙丁公司", "戊己公司"))
    ]
    np.testing.assert_allclose(told[0][0], told[1][0])
    assert told[0][1].concerned[0] > told[0][1].concerned[1]


def test_an_article_does_not_hang_on_its_batch(recogniser: Recogniser, judged: Labelled) -> None:
    many = list(judged.articles) * (BATCH // len(judged.articles) + 1)
    negative, said = recogniser.score(many)
    for place in (0, 7, len(many) - 1):
        alone, pairs = recogniser.score([many[place]])
        np.testing.assert_allclose(negative[place], alone[0])
        np.testing.assert_allclose(said.match[said.article == place], pairs.match)
    assert recogniser.score([])[0].shape == (0,)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.text(max_size=40), st.text(max_size=80), st.lists(st.text(max_size=6), max_size=5)),
        max_size=4,
    )
)
def test_any_text_gives_probabilities(
    recogniser: Recogniser, drawn: list[tuple[str, str, list[str]]]
) -> None:
    articles = [Article(title, text, tuple(names)) for title, text, names in drawn]
    negative, said = recogniser.score(articles)
    assert len(negative) == len(articles)
    assert len(said.match) == sum(len(a.names) for a in articles)
    for p in (negative, said.match):
        assert ((p >= 0) & (p <= 1)).all()


def test_mentions_by_hand() -> None:
    reading = read(Article("甲公司", "甲公司逾期，乙公司与甲公司合作", ("甲公司", "乙公司", "甲")))
    first, second, third = mentions(reading, re.compile("逾期"))
    assert first.left.split("\n") == [NAMED, f"{NAMED}逾期,{OTHER}与{NAMED}"]
    assert second.left == f"{OTHER}逾期,{NAMED}"
    assert second.right == f"{NAMED}与{OTHER}合作"
    numbers = dict(zip(COLUMNS, first.numbers, strict=True))
    assert (numbers["mentions"], numbers["in_title"], numbers["comes_first"], numbers["is_company"]) == (
        2,
        1,
        1,
        1,
    )
    assert numbers["word_distance"] == 3
    short = dict(zip(COLUMNS, third.numbers, strict=True))
    assert (short["mentions"], short["mentions_alone"], short["longer_names"]) == (2, 0, 1)


def test_each_name_beside_the_best_other() -> None:
    found = _beside(np.array([0, 1, 1, 1, 2, 2]), np.array([3.0, 1.0, 5.0, 2.0, 4.0, 4.0]))
    np.testing.assert_array_equal(found[:, 1], [np.nan, 5, 2, 5, 4, 4])
    np.testing.assert_array_equal(found[:, 2], [np.nan, -4, 3, -3, 0, 0])


def test_f1_and_its_threshold_by_hand() -> None:
    assert f1(np.array([True, True, False]), np.array([1.0, 0.0, 1.0])) == (0.5, 0.5, 0.5)
    assert f1(np.array([False]), np.array([0.0])) == (0.0, 0.0, 0.0)
    threshold, best = best_threshold(np.array([0.1, 0.3, 0.7, 0.9]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert 0.3 < threshold < 0.7
    assert best == 1.0


def test_saved_and_read_back(
    recogniser: Recogniser, labelled: Labelled, judged: Labelled, tmp_path: Path
) -> None:
    data = store.to_bytes(recogniser)
    again = train(labelled.articles, labelled.negative, labelled.about, words())
    assert store.to_bytes(again) == data
    path = tmp_path / "model.npz"
    path.write_bytes(data)
    back = store.load(path)
    np.testing.assert_array_equal(
        back.score(judged.articles)[1].concerned, recogniser.score(judged.articles)[1].concerned
    )
    assert store.to_bytes(back) == data
    assert back.thresholds == recogniser.thresholds


def test_a_broken_model_is_refused(recogniser: Recogniser, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    with pytest.raises(UserError, match="NEWS-MODEL"):
        store.load(path)
    path.write_bytes(b"no zip")
    with pytest.raises(UserError, match="NEWS-MODEL"):
        store.load(path)
    short = replace(recogniser, text=replace(recogniser.text, weight=np.zeros(5)))
    path.write_bytes(store.to_bytes(short))
    with pytest.raises(UserError, match="NEWS-MODEL"):
        store.load(path)
    np.savez(path, about=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UserError, match="NEWS-MODEL"):  # a pickle inside is never opened
        store.load(path)


@pytest.mark.parametrize(
    "about",
    [b"[" * 100_000, b"\xff", b'"biases":[NaN,', b'"thresholds":[2.0,'],
    ids=["deep", "bytes", "nan", "threshold"],
)
def test_a_model_that_would_say_nonsense_is_refused(
    recogniser: Recogniser, tmp_path: Path, about: bytes
) -> None:
    path = tmp_path / "m.npz"
    path.write_bytes(store.to_bytes(recogniser))
    parts = dict(np.load(path))
    if about.startswith(b'"'):  # one number of what was there
        key = about[: about.index(b"[") + 1]
        whole = parts["about"].tobytes()
        start = whole.index(key)
        about = whole[:start] + about + whole[whole.index(b",", start) + 1 :]
    np.savez(path, **parts | {"about": np.frombuffer(about, dtype=np.uint8)})
    with pytest.raises(UserError, match="NEWS-MODEL"):
        store.load(path)


def test_the_contest_judges_all_methods(recogniser: Recogniser, labelled: Labelled, judged: Labelled) -> None:
    result = contest(labelled, judged, recogniser)
    assert [r.method for r in result.rows] == ["words", "tfidf", "recogniser"]
    by = {r.method: r for r in result.rows}
    assert by["recogniser"].firm.f1 > by["tfidf"].firm.f1  # which can't tell two firms of an article apart
    for row in result.rows:
        assert row.firm.interval[0] <= row.firm.f1 <= row.firm.interval[1]
    assert result.to_json() == contest(labelled, judged, recogniser).to_json()
    whole = contest(labelled, labelled, recogniser)
    assert whole.repeated == whole.judged == 400


def test_pairs_know_their_article(labelled: Labelled) -> None:
    assert places(labelled)[:4].tolist() == [0, 0, 1, 1]
    assert len(labelled.about) == 800


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("NEWS-FILE", "{"),
        ("NEWS-FILE", "[]"),
        ("NEWS-ROW", '[["1", "t", "x", "a", "1"]]'),
        ("NEWS-ROW", '[["1", "t", "x", "a", "maybe", ""]]'),
        ("NEWS-ROW", '[["1", "t", null, "a", "1", ""]]'),
    ],
    ids=["syntax", "empty", "short", "label", "null"],
)
def test_faults_of_a_labelled_set_are_named(tmp_path: Path, code: str, text: str) -> None:
    path = tmp_path / "set.json"
    path.write_text(text)
    with pytest.raises(UserError, match=code):
        read_labelled(path)


def test_too_few_labels(labelled: Labelled) -> None:
    enough(labelled, "")
    few = Labelled(labelled.articles[:60], labelled.negative[:60], labelled.about[:120])
    with pytest.raises(UserError, match="NEWS-FEW"):
        enough(few, "")


@pytest.mark.real_data
@pytest.mark.slow
def test_finance_news(real_data: Path) -> None:
    learned = read_labelled(real_data / "finnsp" / "train.json.gz")
    judged = read_labelled(real_data / "finnsp" / "eval.json.gz")
    assert (len(learned.articles), len(judged.articles)) == (4_000, 500)
    model = train(learned.articles, learned.negative, learned.about, words())
    result = contest(learned, judged, model)
    by = {r.method: r for r in result.rows}
    assert by["recogniser"].article.f1 > FLOOR["article"]
    assert by["recogniser"].firm.f1 > FLOOR["firm"]
    assert by["recogniser"].firm.interval[0] > by["tfidf"].firm.interval[1]
    assert max(result.calibration_error) < 0.05
