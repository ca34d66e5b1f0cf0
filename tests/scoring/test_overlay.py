from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.base import clone

from tests.scoring.conftest import cards
from tests.scoring.industries import COLUMNS, SIGNS, firms
from xinqiao.scoring.card import Card
from xinqiao.scoring.columns import read_columns
from xinqiao.scoring.compiled import bin_codes, score
from xinqiao.scoring.metrics import auc
from xinqiao.scoring.overlay import (
    Overlay,
    OverlayCard,
    deepest,
    fit_overlays,
    industry_path,
    overlaid,
    texts,
)
from xinqiao.scoring.scorecard import Scorecard

ESTIMATOR = Scorecard(signs=SIGNS, penalties=(16.0,))


@pytest.fixture(scope="module")
def fitted() -> OverlayCard:
    frame, bad, _ = firms(6000)
    return OverlayCard(ESTIMATOR).fit(frame[[*COLUMNS, "industry"]], bad)


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("C1310", ("C", "C13", "C131")),
        ("1310", ("C", "C13", "C131")),
        ("C13", ("C", "C13")),
        ("13", ("C", "C13")),
        ("C", ("C",)),
        ("T97", ("T", "T97")),
        ("A1310", ()),
        ("9999", ()),
        ("Z", ()),
        ("x", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_an_industry_belongs_to_its_section_division_and_group(
    code: str | None, path: tuple[str, ...]
) -> None:
    assert industry_path(code) == path


def test_the_deepest_known_industry_serves() -> None:
    assert deepest("C1310", {"C", "C13"}) == "C13"
    assert deepest("C3300", {"C", "C13"}) == "C"
    assert deepest("F5100", {"C", "C13"}) is None


def test_overlays_rank_better_within_industries_that_differ_and_keep_signs(fitted: OverlayCard) -> None:
    frame, bad, _ = firms(8000, seed=2)
    one = -score(fitted.card_, frame)
    own = fitted.decision_function(frame[[*COLUMNS, "industry"]])
    codes = frame["industry"].dropna().unique()
    gains = [
        auc(own[frame["industry"] == c], bad[frame["industry"] == c])
        - auc(one[frame["industry"] == c], bad[frame["industry"] == c])
        for c in codes
    ]
    assert np.mean(gains) > 0.01
    assert min(gains) > -0.005
    assert {o.industry for o in fitted.overlays_} >= {"C13", "C33", "F51"}
    for overlay in fitted.overlays_:
        for variable in overlay.on(fitted.card_).variables:
            ranges = [b.points for b in variable.bins if b.kind == "range"]
            assert all(a >= b for a, b in pairwise(ranges))  # every x raises risk


def test_industries_that_do_not_differ_have_no_points_of_their_own() -> None:
    frame, bad, _ = firms(6000, seed=3, own=0.0)
    assert OverlayCard(ESTIMATOR).fit(frame[[*COLUMNS, "industry"]], bad).overlays_ == ()


def test_thin_industries_are_served_by_their_parents() -> None:
    frame, bad, _ = firms(6000)
    rare = np.flatnonzero(frame["industry"] == "C1310")[40:]  # 40 of C13 stay: fewer than an overlay needs
    frame = frame.drop(index=rare)
    kept = np.delete(bad, rare)
    found = OverlayCard(ESTIMATOR).fit(frame[[*COLUMNS, "industry"]], kept)
    known = {o.industry: o for o in found.overlays_}
    assert "C13" not in known
    assert deepest("C1310", known) == "C"
    assert known["C33"].parent == "C"


def test_a_prior_this_strong_is_the_parent_and_none_is_the_industry_alone() -> None:
    """Between the two ends: an overlay's level lies between the card's and the industry's own."""
    frame, bad, _ = firms(6000)
    found = OverlayCard(ESTIMATOR).fit(frame[[*COLUMNS, "industry"]], bad)
    card = found.card_
    columns = read_columns(frame)
    for code in ("A01", "E50", "F51", "H62"):
        rows = (frame["industry"] == code).to_numpy()
        part = columns.take(rows)
        points, place = overlaid(card, found.overlays_, part, texts(part, "industry"))
        assert (place >= 0).all()
        seen = bad[rows].mean()
        before = expit([card.log_odds(p) for p in score(card, part)]).mean()
        after = expit([card.log_odds(p) for p in points]).mean()
        assert abs(after - seen) <= abs(before - seen) + 0.002


def test_codes_are_those_of_the_card_and_points_exact(fitted: OverlayCard) -> None:
    frame, _, _ = firms(500, seed=5)
    columns = read_columns(frame)
    points, place = overlaid(fitted.card_, fitted.overlays_, columns, texts(columns, "industry"))
    every = [fitted.card_, *(o.on(fitted.card_) for o in fitted.overlays_)]
    assert len(set(place.tolist())) > 3
    for i, row in enumerate(frame.astype(object).where(frame.notna(), None).to_dict("records")):
        card = every[place[i] + 1]
        assert card.score_one(row) == points[i]
        assert card.score_one(row) == score(card, frame.iloc[[i]])[0]
    assert all((bin_codes(card, frame) == bin_codes(fitted.card_, frame)).all() for card in every)


@given(cards(), st.data())
def test_any_overlay_adds_up_as_its_card_does(card: Card, data: st.DataObject) -> None:
    units = st.integers(-(10**6), 10**6).map(lambda p: round(p / 10**card.digits, card.digits))
    overlays = [
        Overlay(
            industry=code,
            base_points=data.draw(units),
            points={
                v.name: tuple(data.draw(units) for _ in v.bins)
                for v in card.variables
                if data.draw(st.booleans())
            },
        )
        for code in ("C", "C13")
    ]
    number = st.one_of(st.none(), st.floats(-2e6, 2e6), st.sampled_from([-99.0, 0.0]))
    rows = data.draw(
        st.lists(
            st.tuples(
                number,
                st.sampled_from([None, "a", "b", "?", "z"]),
                st.sampled_from(["C1310", "C33", "F51", None]),
            ),
            min_size=1,
            max_size=6,
        )
    )
    X = read_columns(
        {
            "number": [n for n, _, _ in rows],
            "text": [t for _, t, _ in rows],
            "industry": [i for _, _, i in rows],
        }
    )
    numbers = np.array([np.nan if n is None else n for n, _, _ in rows])
    words = np.array([t for _, t, _ in rows], dtype=object)
    X = type(X)(("number", "text"), [numbers, words], len(rows))
    points, place = overlaid(card, overlays, X, np.array([i for _, _, i in rows], dtype=object))
    own = {"C1310": 1, "C33": 0, "F51": -1, None: -1}
    assert place.tolist() == [own[i] for _, _, i in rows]
    every = [card, *(o.on(card) for o in overlays)]
    assert points.tolist() == [
        every[p + 1].score_one({"number": n, "text": t}) for (n, t, _), p in zip(rows, place, strict=True)
    ]


def test_the_same_data_give_the_same_overlays_and_a_clone_is_unfitted(fitted: OverlayCard) -> None:
    frame, bad, _ = firms(6000)
    again = clone(fitted).fit(frame[[*COLUMNS, "industry"]], bad)
    assert again.overlays_ == fitted.overlays_
    assert again.card_.to_json() == fitted.card_.to_json()


def test_what_does_not_fit_is_refused(fitted: OverlayCard) -> None:
    stranger = Overlay(industry="C", base_points=0, points={"nobody": (1.0,)})
    with pytest.raises(ValueError, match="does not fit"):
        stranger.on(fitted.card_)
    frame, bad, _ = firms(300)
    paired = fitted.card_.model_copy(update={"pairs": (object(),)})
    with pytest.raises(ValueError, match="two-way"):
        fit_overlays(paired, read_columns(frame), bad, frame["industry"].to_numpy())
