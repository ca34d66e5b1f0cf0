"""Companies drawn from a known logistic truth, and cards drawn by hypothesis."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from xinqiao.kernel.text import Text
from xinqiao.scoring.card import MISSING, OTHER, Bin, Card, Kind, Pair, Variable
from xinqiao.scoring.columns import Floats

settings.register_profile("no-deadline", deadline=None)  # wall-clock times say nothing on a shared machine
settings.load_profile("no-deadline")

Sample = tuple[pd.DataFrame, Floats]
Row = tuple[float | None, str | None]
SIGNS = {"sales": 1, "void": -1, "noise": 0}


def companies(n: int, seed: int = 1) -> Sample:
    """``sales`` lowers risk, ``void`` raises it, ``trade`` matters by category, ``noise`` does not matter."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "sales": rng.normal(size=n),
            "void": rng.exponential(size=n).round(3),
            "noise": rng.normal(size=n),
            "trade": rng.choice(np.array(["retail", "food", "steel"]), n),
        }
    )
    risk = -1.2 - 1.2 * frame["sales"] + 0.8 * frame["void"] + 1.0 * (frame["trade"] == "steel")
    bad = (rng.random(n) < 1 / (1 + np.exp(-risk))).astype(float).to_numpy()
    frame.loc[rng.random(n) < 0.15, "sales"] = np.nan
    return frame, bad


@pytest.fixture(scope="session")
def sample() -> Sample:
    return companies(1500)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    folder = os.environ.get("XINQIAO_DATA")
    if not folder:
        pytest.skip("XINQIAO_DATA names no folder of real data")
    return Path(folder)


def _bin(kind: Kind, label: str, points: float) -> Bin:
    return Bin(kind=kind, label=Text(zh=label, en=label), points=points)


@st.composite
def cards(draw: st.DrawFn) -> Card:
    digits = draw(st.integers(0, 3))
    points = st.integers(-(10**6), 10**6).map(lambda p: round(p / 10**digits, digits))
    edges = draw(st.lists(st.floats(-1e6, 1e6), min_size=0, max_size=6, unique=True).map(sorted))
    groups = draw(st.sampled_from([(("a",), ("b", "c")), (("a", "b"),), ()]))
    number = Variable(
        name="number",
        edges=tuple(edges),
        specials=((-99.0, -98.0), (0.0,)),
        bins=(
            *(_bin("range", f"r{i}", draw(points)) for i in range(len(edges) + 1)),
            _bin("special", "s1", draw(points)),
            _bin("special", "s2", draw(points)),
            Bin(kind="missing", label=MISSING, points=draw(points)),
        ),
    )
    text = Variable(
        name="text",
        kind="categorical",
        categories=groups,
        specials=(("?",),),
        bins=(
            *(_bin("category", str(g), draw(points)) for g in groups),
            Bin(kind="other", label=OTHER, points=draw(points)),
            _bin("special", "s", draw(points)),
            Bin(kind="missing", label=MISSING, points=draw(points)),
        ),
    )
    grid = tuple(tuple(draw(points) for _ in text.bins) for _ in number.bins)
    pairs = (Pair(left="number", right="text", points=grid),) if draw(st.booleans()) else ()
    return Card(digits=digits, base_points=draw(points), variables=(number, text), pairs=pairs)
