from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.privacy.agreeing import RULE
from tests.privacy.manifests import data
from xinqiao.db.database import Database, Scope, new_id
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement.budget import Sketch, Use, charge, runs, sketches
from xinqiao.privacy.crypto.row_hash import row_hashes

SECRET = b"s" * 32


def _sketch(ids: range) -> Sketch:
    return Sketch.of(row_hashes(SECRET, pa.table({"id": [f"id{n}" for n in ids]})))


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200))
def test_a_small_difference_is_told_exactly(gone: int, new: int, kept: int) -> None:
    one, other = _sketch(range(gone + kept)), _sketch(range(gone, gone + kept + new))
    assert one.difference(other) == other.difference(one) == gone + new


def test_a_large_difference_is_only_known_to_be_large() -> None:
    assert _sketch(range(5_000)).difference(_sketch(range(0))) is None
    assert _sketch(range(500)).difference(_sketch(range(0))) == 500
    assert _sketch(range(5_000)).difference(_sketch(range(5_000))) == 0


def test_a_sketch_holds_no_key_and_no_plain_hash() -> None:
    told = sketches(SECRET, pa.table({"id": ["91310000MA1FL0T00X"], "sales": [12345678]}), data("sales"))
    for sketch in told.values():
        for part in (b"91310000", np.int64(12345678).tobytes(), b"12345678"):
            assert part not in sketch.written()
    again = sketches(b"t" * 32, pa.table({"id": ["91310000MA1FL0T00X"], "sales": [12345678]}), data("sales"))
    assert all(again[basis].written() != sketch.written() for basis, sketch in told.items())


def _charged(database: Database, scope: Scope, ids: range, *, peer: str = "bank", sales: int = 1) -> None:
    table = pa.table({"id": [f"id{n}" for n in ids], "sales": [sales] * len(ids)})
    assert scope.institution is not None
    use = Use(scope.institution, new_id(), peer, "table", "rows")
    rule = RULE.model_copy(update={"runs": 4, "changed_at_least": 5})
    with database.transaction(scope) as tx:
        charge(tx, rule, use, len(ids), sketches(SECRET, table, data("sales")))


def test_an_input_may_stay_or_change_by_many_but_not_by_a_few(database: Database) -> None:
    scope = Scope("holder", new_id())
    _charged(database, scope, range(100))
    _charged(database, scope, range(100))
    for few in (range(101), range(99), range(2, 102)):
        with pytest.raises(UserError, match="PRV-BUDGET-CHANGED"):
            _charged(database, scope, few)
    _charged(database, scope, range(200))
    _charged(database, scope, range(101), peer="insurer")


def test_a_changed_value_counts_though_the_keys_stay(database: Database) -> None:
    scope = Scope("holder", new_id())
    _charged(database, scope, range(2))
    with pytest.raises(UserError, match="PRV-BUDGET-CHANGED"):
        _charged(database, scope, range(2), sales=2)


def test_each_attempt_at_a_job_is_a_run(database: Database) -> None:
    scope, job = Scope("holder", new_id()), new_id()
    assert scope.institution is not None
    use, table = Use(scope.institution, job, "bank", "table", "rows"), pa.table({"id": ["a", "b"]})
    rule = RULE.model_copy(update={"runs": 2})
    for attempt in range(2):
        with database.transaction(scope) as tx:
            assert runs(tx, use, 30) == attempt
            charge(tx, rule, use, 2, sketches(SECRET, table, data()))
    with pytest.raises(UserError, match="PRV-BUDGET-RUNS"), database.transaction(scope) as tx:
        charge(tx, rule, use, 2, sketches(SECRET, table, data()))


def test_runs_are_counted_in_a_window(database: Database) -> None:
    scope = Scope("holder", new_id())
    for _ in range(4):
        _charged(database, scope, range(10))
    with pytest.raises(UserError, match="PRV-BUDGET-RUNS"):
        _charged(database, scope, range(10))
    with standing(now() + timedelta(days=31)):
        _charged(database, scope, range(10))
        with database.transaction(scope) as tx:
            assert scope.institution is not None
            assert runs(tx, Use(scope.institution, new_id(), "bank", "table", "rows"), 30) == 1
