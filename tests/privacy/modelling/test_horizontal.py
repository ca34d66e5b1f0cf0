"""Banks' joint card is that of the pooled rows, and nothing of a row leaves its bank."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from tests.privacy.leaks import leaked
from tests.privacy.manifests import data, manifest, run_all
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.kind import Result
from xinqiao.privacy.job.link import Link, Recorded
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.modelling.horizontal import KIND, run
from xinqiao.privacy.modelling.horizontal_fit import Newton, edges_of, quality, rows_of, woe_of
from xinqiao.privacy.modelling.horizontal_fit import cut as cut_cells
from xinqiao.privacy.modelling.horizontal_fit import evidence as evidence_of
from xinqiao.privacy.modelling.horizontal_terms import Terms
from xinqiao.privacy.protocol.masks import WIDE
from xinqiao.scoring.card import Card
from xinqiao.scoring.metrics import auc, ks

COLUMNS = ("bad", "margin", "overdue", "turnover")
RANGES = {"margin": [-3.0, 3.0], "overdue": [0.0, 12.0], "turnover": [0.0, 40.0]}
PARAMS = {"target": "bad", "ranges": RANGES}
BANKS = {name: ("bank", data(*COLUMNS, key=None)) for name in ("alpha", "beta", "gamma")}
COORDINATOR = {"platform": "coordinator"}


def generated(seed: int, rows: int = 900) -> pa.Table:
    rng = np.random.default_rng(seed)
    margin, overdue, turnover = rng.normal(0, 1, rows), rng.poisson(2, rows), rng.gamma(2, 5, rows)
    odds = -1.5 - margin + 0.4 * overdue - 0.05 * turnover
    bad = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    shown = [None if rng.random() < 0.1 else float(v) for v in turnover]
    return pa.table({"bad": bad, "margin": margin, "overdue": overdue, "turnover": shown})


def tables(names: dict[str, Any] = BANKS) -> dict[str, pa.Table]:
    return {name: generated(n, 500 + 400 * n) for n, name in enumerate(names)}


def played(told: Manifest, brought: dict[str, pa.Table], tmp_path: Path, **other: Any) -> dict[str, Result]:  # noqa: ANN401
    KIND.check(told)
    return run_all(told, run, brought, tmp_path, **other)


@pytest.mark.parametrize("coordinator", [{}, COORDINATOR])
def test_equal_to_plain(coordinator: dict[str, str], tmp_path: Path) -> None:
    told, brought = manifest("horizontal", {**BANKS, **coordinator}, PARAMS), tables()
    found, expected = played(told, brought, tmp_path), KIND.plain(told, brought)
    for name in told.names:
        assert found[name].told == pytest.approx(expected[name].told, abs=1e-9)
        one, other = found[name].table, expected[name].table
        assert one.drop_columns("coefficient").equals(other.drop_columns("coefficient"))
        np.testing.assert_allclose(one["coefficient"], other["coefficient"], atol=1e-9)
        card = Card.from_json((tmp_path / "state" / name / f"card-{told.digest}.json").read_bytes())
        assert card.names == ("margin", "overdue", "turnover")


def test_the_card_is_the_textbook_s_fit(tmp_path: Path) -> None:
    brought = tables()
    found = played(manifest("horizontal", {**BANKS, **COORDINATOR}, PARAMS), brought, tmp_path)["alpha"]
    file = next((tmp_path / "state" / "alpha").glob("card-*.json"))
    card, pooled = Card.from_json(file.read_bytes()), pa.concat_tables(brought.values())
    codes = [card.code_one(row) for row in pooled.to_pylist()]
    x = np.array([[-v.bins[c].woe for v, c in zip(card.variables, code, strict=True)] for code in codes])
    y = pooled["bad"].to_numpy()
    fit = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(x, y)
    np.testing.assert_allclose([v.coefficient for v in card.variables], fit.coef_[0], atol=3e-4)
    assert found.told["auc"] == pytest.approx(auc(fit.decision_function(x), y), abs=0.002)
    assert found.told["ks"] == pytest.approx(ks(fit.decision_function(x), y), abs=0.01)
    assert found.told["auc"] > 0.75
    scores = np.array([card.score_one(row) for row in pooled.to_pylist()])
    assert auc(-scores, y) == pytest.approx(found.told["auc"], abs=0.005)


def test_two_banks_need_a_coordinator() -> None:
    two = {name: BANKS[name] for name in ("alpha", "beta")}
    with pytest.raises(UserError, match="at least three"):
        KIND.check(manifest("horizontal", two, PARAMS))
    told = manifest("horizontal", {**two, **COORDINATOR}, PARAMS)
    KIND.check(told)
    learned = KIND.learns(told)
    assert len(learned["alpha"]) == 4
    assert "a range for its goods and bads" in learned["alpha"][3].en
    assert "sums over all banks" in learned["platform"][2].en


@pytest.mark.parametrize(
    ("params", "columns"),
    [
        ({**PARAMS, "target": "margin"}, COLUMNS),
        ({**PARAMS, "ranges": {"margin": [1.0, 1.0]}}, ("bad", "margin")),
        (PARAMS, ("bad", "margin")),
        ({**PARAMS, "bins": 1}, COLUMNS),
        ({**PARAMS, "surprise": 1}, COLUMNS),
    ],
)
def test_manifests_that_don_t_fit(params: dict[str, Any], columns: tuple[str, ...]) -> None:
    parties = {name: ("bank", data(*columns, key=None)) for name in BANKS}
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        KIND.check(manifest("horizontal", parties, params))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bad": [2] * 900}, "PRV-HORIZONTAL-LABEL"),
        ({"bad": [None, *[1] * 899]}, "PRV-HORIZONTAL-LABEL"),
        ({"margin": ["x"] * 900}, "PRV-HORIZONTAL-COLUMN"),
    ],
)
def test_what_can_t_be_fitted(change: dict[str, list[Any]], code: str, tmp_path: Path) -> None:
    brought = tables()
    table = brought["beta"]
    for name, values in change.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    with pytest.raises(UserError, match=code):
        played(manifest("horizontal", BANKS, PARAMS), brought | {"beta": table}, tmp_path)


def test_all_good_can_t_be_fitted(tmp_path: Path) -> None:
    good = {n: t.set_column(0, "bad", pa.array([0] * t.num_rows)) for n, t in tables().items()}
    with pytest.raises(UserError, match="PRV-HORIZONTAL-LABEL"):
        played(manifest("horizontal", BANKS, PARAMS), good, tmp_path)


def test_too_few_rows_take_no_part(tmp_path: Path) -> None:
    told = manifest("horizontal", BANKS, {**PARAMS, "rows_at_least": 800})
    with pytest.raises(UserError, match="PRV-HORIZONTAL-FEW"):
        played(told, tables(), tmp_path)


def test_a_constant_feature_is_worth_nothing(tmp_path: Path) -> None:
    flat = {n: t.set_column(1, "margin", pa.array([1.0] * t.num_rows)) for n, t in tables().items()}
    found = played(manifest("horizontal", BANKS, PARAMS), flat, tmp_path)["beta"].table
    points = [row["points"] for row in found.to_pylist() if row["variable"] == "margin"]
    assert all(abs(p) < 1 for p in points)


def test_the_lead_sees_masked_numbers_only(tmp_path: Path) -> None:
    """The simulator of the lead's view: uniform numbers that add up to the sums it may know."""
    told, brought, kept = manifest("horizontal", {**BANKS, **COORDINATOR}, PARAMS), tables(), {}

    def keep(link: Link) -> Link:
        return kept.setdefault(link.me, Recorded(link, keep=True))

    played(told, brought, tmp_path, wrap=keep)
    masked = [(line, p) for line, p in kept["platform"].payloads if line.direction == "received"]
    numbers = np.concatenate([unpack(p, "bank", masked=np.ndarray)["masked"] for _, p in masked])
    assert abs(np.unpackbits(numbers).mean() - 0.5) < 0.005
    by_bank: dict[str, list[tuple[str, int]]] = {}
    for line, _ in masked:
        by_bank.setdefault(line.peer, []).append((line.tag, line.size_bytes))
    assert len({tuple(lines) for lines in by_bank.values()}) == 1
    assert numbers.size % (WIDE.bit_length() // 8) == 0
    for table in brought.values():
        assert not leaked(table["margin"].to_pylist()[:200], list(kept.values()))


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("cells-told", np.zeros(3)),
        ("cells-told", np.full(15, np.inf)),
        ("cells-told", np.zeros(15, np.int64)),
        ("step-0-told", np.full(5, np.nan)),
    ],
)
def test_a_lead_s_nonsense_is_refused(tag: str, told: np.ndarray, tmp_path: Path) -> None:
    class Cheat:
        def __init__(self, inner: Link) -> None:
            self.inner, self.me, self.parties = inner, inner.me, inner.parties

        def send(self, to: str, label: str, payload: bytes) -> None:
            self.inner.send(to, label, pack({"told": told}) if label == tag else payload)

        def receive(self, source: str, label: str) -> bytes:
            return self.inner.receive(source, label)

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        played(manifest("horizontal", BANKS, PARAMS), tables(), tmp_path, wrap=Cheat)


def test_newton_halves_its_step_where_the_loss_rises() -> None:
    terms = Terms(target="bad", ranges={"margin": (-3.0, 3.0)}, ridge=0.5)
    rows = rows_of(generated(5), terms, "alpha")
    edges = edges_of(cut_cells(rows.cells(terms), terms), terms)
    rows.valued(woe_of(evidence_of(rows.bins(edges, terms), edges, terms), edges))
    newton = Newton(terms, np.array([0.0, 0.0]))
    told = newton.next(rows.derivatives(newton.trial))
    newton.trial = told[1:] * 50
    again = newton.next(rows.derivatives(newton.trial))
    assert newton.step == 0.5
    for _ in range(30):
        if again[0]:
            break
        again = newton.next(rows.derivatives(again[1:]))
    slope = rows.derivatives(again[1:])[2] / 2**48 + 0.5 * again[2]
    assert abs(slope) < 0.05


def test_quality_of_counted_scores() -> None:
    rng = np.random.default_rng(1)
    good, bad = rng.integers(0, 5, 512), rng.integers(0, 3, 512)
    risk = np.r_[np.repeat(np.arange(512), good), np.repeat(np.arange(512), bad)].astype(float)
    outcome = np.r_[np.zeros(good.sum()), np.ones(bad.sum())]
    told = quality([*good.tolist(), *bad.tolist()])
    np.testing.assert_allclose(told, [auc(risk, outcome), ks(risk, outcome)], atol=5e-5)


def fitting(woe: float, goods: int, bads: int, smoothing: float = 2.0) -> int:
    """How many pairs of counts of a bin round to its WOE, told the totals."""
    share = bads / (goods + bads)
    good, bad = np.arange(goods + 1)[:, None], np.arange(bads + 1)[None, :]
    odds = (good + smoothing * (1 - share)) / (bad + smoothing * share) * (bads / goods)
    digits = len(repr(round(woe, 12)).partition(".")[2])
    return int((np.round(np.log(odds), digits) == woe).sum())


def test_a_bank_can_t_tell_the_counts_of_all_banks(tmp_path: Path) -> None:
    """Trap: at full precision the bad share's continued fraction is the counts, and so is each WOE."""
    told, brought, kept = manifest("horizontal", {**BANKS, **COORDINATOR}, PARAMS), tables(), {}

    def keep(link: Link) -> Link:
        return kept.setdefault(link.me, Recorded(link, keep=True))

    played(told, brought, tmp_path, wrap=keep)
    seen = {
        line.tag: unpack(payload, "platform", told=np.ndarray)["told"]
        for line, payload in kept["alpha"].payloads
        if line.direction == "received" and line.tag.endswith("-told")
    }
    for tag, numbers in seen.items():
        digits = 3 if tag == "bins-told" else 4
        assert tag == "cells-told" or (numbers == np.round(numbers, digits)).all(), tag
    bad = pa.concat_tables(brought.values())["bad"].to_numpy()
    bads, rows = int(bad.sum()), len(bad)
    *woe, share = seen["bins-told"].tolist()
    found = Fraction(share).limit_denominator(2 * rows)
    assert (found.numerator, found.denominator) != (bads, rows)
    assert Fraction(bads / rows).limit_denominator(2 * rows) == Fraction(bads, rows)
    assert min(fitting(each, rows - bads, bads) for each in woe) > 20


def test_counts_that_can_not_be_are_refused() -> None:
    """A bank may add whatever it likes to a masked sum: the card would be made of what is no number."""
    terms = Terms(target="bad", ranges={"x": (0.0, 1.0)})
    good, bad = [10, 20, 0], [5, 5, 0]
    assert np.isfinite(evidence_of([*good, *bad], [np.array([0.0])], terms)).all()
    with pytest.raises(UserError, match="PRV-MESSAGE"):
        evidence_of([*good[:2], -3, *bad], [np.array([0.0])], terms)
    with pytest.raises(UserError, match="PRV-MESSAGE"):
        cut_cells([1] * (terms.cells - 1) + [1 << 80], terms)
