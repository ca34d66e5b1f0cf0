"""Statistics equal those of the pooled rows, and transcripts hold none of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from statistics import quantiles, variance
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.privacy.leaks import leaked
from tests.privacy.manifests import data, job, manifest, run_all
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.kind import Result
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.sums import statistics
from xinqiao.privacy.sums.statistics import KIND, SPLIT_BITS, run
from xinqiao.privacy.sums.statistics_plan import SUM_AT_MOST, plan_of

HOLDERS = {name: ("holder", data("value")) for name in ("alpha", "beta", "gamma")}
TWO = {name: HOLDERS[name] for name in ("alpha", "beta")}
RECEIVER = {"platform": "receiver"}
ALL = ["sum", "mean", "variance", "histogram", "quantile"]
CELLS = {
    "edges": ["0", "50", "100"],
    "grid": {"low": "-1000", "high": "1000", "cells": 400},
    "quantiles": [0.1, 0.5, 0.9],
}


def tables(names: Mapping[str, Any], rows: int = 40, *, overlap: int = 20) -> dict[str, pa.Table]:
    """Generated: amounts in cents, some missing, ids that overlap by ``overlap``."""
    rng = np.random.default_rng(7)
    told = {}
    for n, name in enumerate(names):
        own = [f"common-{i}" for i in range(overlap)] + [f"{name}-{i}" for i in range(rows - overlap)]
        values = np.round(rng.normal(60, 90, rows + n), 2)[:rows].tolist()
        values[overlap] = None
        order = rng.permutation(rows)
        told[name] = pa.table({"id": [own[i] for i in order], "value": [values[i] for i in order]})
    return told


def plan(measures: list[str], **other: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON has it
    return {"measures": measures, "result_to": ["platform"], **other}


def played(told: Manifest, brought: dict[str, pa.Table], tmp_path: Path) -> dict[str, Result]:
    KIND.check(told)
    return run_all(told, run, brought, tmp_path)


def conforms(told: Manifest, brought: dict[str, pa.Table], tmp_path: Path) -> dict[str, Result]:
    found, expected = played(told, brought, tmp_path), KIND.plain(told, brought)
    for name in told.names:
        assert found[name].told == expected[name].told
        assert (found[name].table is None) == (expected[name].table is None)
    return found


@pytest.mark.parametrize("over", ["rows", "subjects"])
@pytest.mark.parametrize("measures", [["sum"], ["mean"], ["variance", "sum"], ALL])
def test_equal_to_plain(over: str, measures: list[str], tmp_path: Path) -> None:
    other = CELLS if measures == ALL else {}
    told = manifest("statistics", {**HOLDERS, **RECEIVER}, plan(measures, over=over, **other))
    found = conforms(told, tables(HOLDERS), tmp_path)
    assert found["platform"].told["count"] == (117 if over == "rows" else 20)
    assert not found["alpha"].told


def test_equal_to_the_textbook(tmp_path: Path) -> None:
    brought = tables(HOLDERS)
    told = manifest("statistics", {**HOLDERS, **RECEIVER}, plan(ALL, **CELLS))
    found = played(told, brought, tmp_path)["platform"].told
    pooled = [v for table in brought.values() for v in table["value"].to_pylist() if v is not None]
    assert Decimal(found["sum"]) == sum(Decimal(str(v)) for v in pooled)
    assert found["mean"] == pytest.approx(sum(pooled) / len(pooled))
    assert found["variance"] == pytest.approx(variance(pooled))
    assert sum(found["histogram"]) == len(pooled)
    assert found["histogram"][1] == sum(0 <= v < 50 for v in pooled)
    median = quantiles(pooled, n=10, method="inclusive")
    assert found["quantiles"]["0.1"] == pytest.approx(median[0], abs=20)
    assert found["quantiles"]["0.5"] == pytest.approx(median[4], abs=10)


def test_three_holders_may_know_the_sum_and_two_may_not(tmp_path: Path) -> None:
    three = manifest("statistics", HOLDERS, plan(["sum"]) | {"result_to": ["alpha", "beta", "gamma"]})
    conforms(three, tables(HOLDERS), tmp_path)
    two = manifest("statistics", TWO, plan(["sum"]) | {"result_to": ["alpha"]})
    with pytest.raises(UserError, match="each the other's"):
        KIND.check(two)
    KIND.check(manifest("statistics", {**TWO, **RECEIVER}, plan(["sum"])))


@pytest.mark.parametrize("names", [TWO, HOLDERS])
@pytest.mark.parametrize("over", ["rows", "subjects"])
def test_only_whether_it_is_enough(names: dict[str, Any], over: str, tmp_path: Path) -> None:
    brought = tables(names)
    total = manifest("statistics", {**names, **RECEIVER}, plan(["sum"], over=over))
    exact = Decimal(KIND.plain(total, brought)["platform"].told["sum"])
    for step in (Decimal(0), Decimal("0.01")):
        params = plan(["at_least"], over=over, threshold=str(exact + step)) | {"result_to": ["beta"]}
        found = conforms(manifest("statistics", names, params), brought, tmp_path)
        assert found["beta"].told["at_least"] == (step == 0)
        assert not found["alpha"].told


def test_parts_of_the_largest_sums_are_hidden_and_still_compared() -> None:
    """Parts of two sums are uniform but shifted: 2 x the largest sum / 2^SPLIT_BITS in distance."""
    most = SUM_AT_MOST
    assert Fraction(2 * most, 1 << SPLIT_BITS) <= Fraction(1, 1 << 40)
    names = ("alpha", "beta", "gamma")
    held = dict.fromkeys(names, HOLDERS["alpha"])
    for sign in (1, -1):
        threshold = Decimal(3 * sign * most).scaleb(-2)
        params = plan(["at_least"], threshold=str(threshold)) | {"result_to": ["alpha"]}
        told = plan_of(manifest("statistics", held, params))
        for less in (0, 1):
            own = dict.fromkeys(names, sign * most) | {"beta": sign * most - less}
            bits = play(
                {
                    name: lambda link, name=name, own=own, told=told: statistics._compared(
                        link, told, names, own[name]
                    )
                    for name in names
                }
            )
            assert (bits["alpha"] != bits["beta"]) == (less == 0)


def test_the_asker_gets_each_subject(tmp_path: Path) -> None:
    parties = {**TWO, "bank": ("asker", data())}
    params = plan(["each"], over="subjects") | {"result_to": ["bank"]}
    asked = pa.table({"id": ["common-3", "common-5", "unknown"]})
    brought = {**tables(TWO), "bank": asked}
    told = manifest("statistics", parties, params)
    found, expected = (
        each["bank"].table for each in (played(told, brought, tmp_path), KIND.plain(told, brought))
    )
    assert found is not None
    assert expected is not None
    assert found.sort_by("key").to_pydict() == expected.sort_by("key").to_pydict()
    assert found.num_rows == 2


def test_the_asker_of_nobody_known_gets_nothing(tmp_path: Path) -> None:
    parties = {**TWO, "bank": ("asker", data())}
    told = manifest("statistics", parties, plan(["each"], over="subjects") | {"result_to": ["bank"]})
    brought = {**tables(TWO), "bank": pa.table({"id": ["unknown"]})}
    found = played(told, brought, tmp_path)["bank"]
    assert found.told == {"count": 0}
    assert found.table is not None
    assert found.table.num_rows == 0


@pytest.mark.parametrize(
    ("params", "parties"),
    [
        (plan(["sum", "at_least"], threshold="1"), {**HOLDERS, **RECEIVER}),
        (plan(["histogram"]), {**HOLDERS, **RECEIVER}),
        (plan(["quantile"], quantiles=[0.5]), {**HOLDERS, **RECEIVER}),
        (plan(["at_least"]), {**HOLDERS, **RECEIVER}),
        (plan(["sum"], over="all"), {**HOLDERS, **RECEIVER}),
        (plan(["sum"], nonsense=1), {**HOLDERS, **RECEIVER}),
        (plan(["at_least"], threshold="1e40"), {**HOLDERS, **RECEIVER}),
        (plan(["histogram"], edges=["0", "1e20"]), {**HOLDERS, **RECEIVER}),
        (
            plan(["mean"], noise={"cost": 1.0, "low": "-1e20", "high": "1", "budget": 1.0}),
            {**HOLDERS, **RECEIVER},
        ),
        (
            plan(["each"], over="subjects") | {"result_to": ["bank"]},
            {**TWO, "bank": ("asker", data("value", key=None))},
        ),
        (plan(["sum"], parties_at_least=4), {**HOLDERS, **RECEIVER}),
        (plan(["sum"]), HOLDERS),
        (plan(["variance"], over="subjects") | {"result_to": ["alpha"]}, HOLDERS),
        (plan(["each"], over="subjects"), {**HOLDERS, **RECEIVER}),
        (plan(["each"]) | {"result_to": ["bank"]}, {**HOLDERS, "bank": ("asker", data())}),
        (plan(["sum"]), {**HOLDERS, **RECEIVER, "delta": ("holder", data())}),
        (
            plan(["sum"], over="subjects"),
            {**HOLDERS, **RECEIVER, "delta": ("holder", data("value", key=None))},
        ),
    ],
)
def test_manifests_that_don_t_fit(params: dict[str, Any], parties: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        KIND.check(manifest("statistics", parties, params))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e18, np.uint64((1 << 64) - 1)])
def test_values_that_can_t_be_added(value: Any, tmp_path: Path) -> None:  # noqa: ANN401 - of any type of number
    brought = tables(HOLDERS)
    brought["beta"] = pa.table(
        {"id": [str(n) for n in range(9)], "value": np.array([1] * 8 + [value], type(value))}
    )
    with pytest.raises(UserError, match="PRV-STATISTICS-VALUE"):
        played(manifest("statistics", {**HOLDERS, **RECEIVER}, plan(["sum"])), brought, tmp_path)


def test_words_can_t_be_added(tmp_path: Path) -> None:
    brought = {**tables(HOLDERS), "beta": pa.table({"id": list("abcdefg"), "value": list("abcdefg")})}
    with pytest.raises(UserError, match="PRV-STATISTICS-VALUE"):
        played(manifest("statistics", {**HOLDERS, **RECEIVER}, plan(["sum"])), brought, tmp_path)


def test_whole_numbers_and_decimals_are_exact(tmp_path: Path) -> None:
    brought = {
        "alpha": pa.table({"id": list("abcde"), "value": pa.array([10**14 + 1] * 5, pa.int64())}),
        "beta": pa.table(
            {"id": list("abcde"), "value": pa.array([Decimal("0.01")] * 5, pa.decimal128(18, 2))}
        ),
        "gamma": pa.table({"id": list("abcde"), "value": [0.1] * 5}),
    }
    told = manifest("statistics", {**HOLDERS, **RECEIVER}, plan(["sum", "variance"]))
    assert conforms(told, brought, tmp_path)["platform"].told["sum"] == "500000000000005.55"


def test_too_few_rows_take_no_part(tmp_path: Path) -> None:
    told = manifest("statistics", {**HOLDERS, **RECEIVER}, plan(["sum"], rows_at_least=50))
    with pytest.raises(UserError, match="PRV-STATISTICS-FEW"):
        played(told, tables(HOLDERS), tmp_path)
    few = manifest("statistics", {**HOLDERS, **RECEIVER}, plan(["sum"], over="subjects"))
    with pytest.raises(UserError, match="PRV-STATISTICS-FEW"):
        played(few, tables(HOLDERS, overlap=4), tmp_path)


@pytest.mark.parametrize("mechanism", ["gaussian", "laplace"])
def test_noise_is_near_and_its_account_ends(mechanism: str, tmp_path: Path) -> None:
    noise = {"mechanism": mechanism, "cost": 1.0, "low": "-200", "high": "300", "budget": 1.2}
    told = manifest("statistics", {**HOLDERS, **RECEIVER}, plan(["mean"], noise=noise))
    brought = tables(HOLDERS, rows=400)
    exact = KIND.plain(told, brought)["platform"].told
    found = played(told, brought, tmp_path)["platform"].told
    assert found["count"] != exact["count"] or found["sum"] != exact["sum"]
    assert found["mean"] == pytest.approx(exact["mean"], abs=15)
    assert found["rho"] == (1.0 if mechanism == "gaussian" else 0.5)
    if mechanism == "laplace":
        played(told, brought, tmp_path)
    with pytest.raises(UserError, match="PRV-NOISE-BUDGET"):
        played(told, brought, tmp_path)


def test_transcripts_hold_no_id_and_no_value(tmp_path: Path) -> None:
    """Raw, hexadecimal, hashed and as numbers: nothing of a row is in any payload, nor a holder's sum."""
    brought = tables(HOLDERS)
    kept: list[Recorded] = []
    for params in (
        plan(["sum", "variance"]),
        plan(["variance"], over="subjects"),
        plan(["at_least"], threshold="100"),
    ):
        told = manifest("statistics", {**HOLDERS, **RECEIVER}, params)

        def keep(link: Link) -> Link:
            kept.append(Recorded(link, keep=True))
            return kept[-1]

        run_all(told, run, brought, tmp_path, wrap=keep)
    for table in brought.values():
        values = [v for v in table["value"].to_pylist() if v is not None]
        cents = [round(100 * v) for v in values]
        assert not leaked([*table["id"].to_pylist(), *values, *cents, sum(cents)], kept)


def test_messages_have_the_same_sizes_whatever_the_values(tmp_path: Path) -> None:
    """The simulator: tags, order and sizes follow from the manifest and the numbers of rows alone."""
    seen = []
    for factor in (1, -1000):
        brought = {
            name: table.set_column(
                1, "value", pa.array([None if v is None else v * factor for v in table["value"].to_pylist()])
            )
            for name, table in tables(HOLDERS).items()
        }
        told, kept = manifest("statistics", {**HOLDERS, **RECEIVER}, plan(["sum", "variance"])), {}

        def keep(link: Link, kept: dict[str, Recorded] = kept) -> Link:
            return kept.setdefault(link.me, Recorded(link))

        run_all(told, run, brought, tmp_path, wrap=keep)
        seen.append(
            {name: [(s.direction, s.peer, s.tag, s.size_bytes) for s in r.lines] for name, r in kept.items()}
        )
    assert seen[0] == seen[1]


def test_a_cheating_count_is_refused(tmp_path: Path) -> None:
    from xinqiao.privacy.job.wire import pack  # noqa: PLC0415 - of this test only

    told = manifest("statistics", {**TWO, **RECEIVER}, plan(["variance"], over="subjects"))

    def cheat(link: Link) -> None:
        link.send("platform", "subjects", pack({"count": -1}))

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        play({"alpha": cheat, "platform": lambda link: run(job(told, "platform", None, tmp_path), link)})


def test_what_each_learns_is_told() -> None:
    told = manifest("statistics", {**HOLDERS, **RECEIVER}, plan(["variance"], over="subjects"))
    learned = KIND.learns(told)
    assert set(learned) == set(told.names)
    assert "shuffled" in learned["platform"][1].en
    assert "in common" in learned["alpha"][0].en
