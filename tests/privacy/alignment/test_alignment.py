"""Rows of the same subjects in the same order at all holders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from tests.privacy.manifests import data, job, manifest, run_all
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.alignment.alignment import aligned, check_keys, joined
from xinqiao.privacy.job.kind import Job, Result
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Input

HOLDERS = ("bank", "tax", "power")


def table(keys: Sequence[str | int | None]) -> pa.Table:
    return pa.table({"id": keys, "turnover": [float(at) for at in range(len(keys))]})


def run(tables: Mapping[str, pa.Table], folder: Path, rows_at_most: int = 100) -> dict[str, Result]:
    parties = {name: ("holder", data("turnover", rows_at_most=rows_at_most)) for name in tables}
    agreed = manifest("scorecard", {**parties, "dealer": "dealer"})

    def align(job: Job, link: Link) -> Result:
        return Result() if job.me.role == "dealer" else Result(table=aligned(job, link, tuple(tables)))

    return run_all(agreed, align, tables, folder)


def test_rows_of_common_ids_in_one_order_beside_a_party_that_holds_nothing(tmp_path: Path) -> None:
    tables = {
        name: table([f"g{number:03}" for number in range(10 * at, 30 + 5 * at)])
        for at, name in enumerate(HOLDERS)
    }
    told = run(tables, tmp_path)
    rows = [told[name].table for name in HOLDERS]
    assert [one.column_names for one in rows if one is not None] == [["id", "turnover"]] * 3
    orders = [one.column("id").to_pylist() for one in rows if one is not None]
    assert orders[0] == orders[1] == orders[2]
    assert sorted(orders[0]) == [f"g{number:03}" for number in range(20, 30)]
    for name in HOLDERS:
        own = dict(zip(*(column.to_pylist() for column in tables[name].columns), strict=True))
        found = told[name].table
        assert found is not None
        assert [own[key] for key in orders[0]] == found.column("turnover").to_pylist()


def test_keys_of_other_types_meet_as_text(tmp_path: Path) -> None:
    told = run({"bank": table([1, 2, 3]), "tax": table(["2", "3", "4"])}, tmp_path)
    assert told["bank"].table is not None
    assert sorted(told["bank"].table.column("id").to_pylist()) == [2, 3]


@pytest.mark.parametrize("keys", [["a", "a"], ["a", None]])
def test_keys_that_repeat_or_lack_are_refused(keys: list[str | None], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PRV-SET-KEYS"):
        run({"bank": table(keys), "tax": table(["a", "b"])}, tmp_path)


def test_more_rows_than_agreed_are_refused_by_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PRV-SET-SIZE"):
        run({"bank": table(["a", "b", "c"]), "tax": table(["a"])}, tmp_path, rows_at_most=2)


def test_a_party_without_a_table_is_refused(tmp_path: Path) -> None:
    agreed = manifest("scorecard", {"bank": ("holder", data()), "tax": ("holder", data())})
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        aligned(job(agreed, "bank", None, tmp_path), None, ("bank", "tax"))  # type: ignore[arg-type]


def test_in_plain_the_same_rows_are_found(tmp_path: Path) -> None:
    tables = {"bank": table(["c", "a", "b"]), "tax": table(["b", "d", "c"])}
    told = run(tables, tmp_path)
    for name, rows in joined(tables).items():
        found = told[name].table
        assert found is not None
        assert found.sort_by("id").equals(rows)


@pytest.mark.parametrize("other", [data(key=None), data().model_copy(update={"key_kind": "uscc"})])
def test_keys_are_of_one_kind(other: Input) -> None:
    """Trap: rows without a key would be matched by their first column."""
    parties = {"bank": ("holder", data()), "tax": ("holder", data()), "dealer": "dealer"}
    check_keys(manifest("scorecard", parties), ("bank", "tax"))
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        check_keys(manifest("scorecard", parties | {"tax": ("holder", other)}), ("bank", "tax"))
