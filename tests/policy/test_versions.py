"""Versions side by side: the one in force on a day, no overlap, no silent gap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.policy.conftest import bent
from xinqiao.kernel.errors import UserError
from xinqiao.policy.versions import policy_on, versions

PERIOD = "{from: 2020-01-01, to: 2030-12-31}"
Put = Callable[[str, str, str], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a version with its period into the folder."""

    def write(file: str, version: str, period: str) -> Path:
        text = bent(PERIOD, period).replace('version: "1"', f'version: "{version}"')
        (tmp_path / file).write_text(text, "utf-8")
        return tmp_path

    return write


def test_the_version_in_force_decides(put: Put) -> None:
    put("b.yaml", "1", "{from: 2020-01-01, to: 2020-12-31}")
    folder = put("a.yaml", "2", "{from: 2021-01-01}")
    assert [policy.file.version for policy in versions(folder)] == ["1", "2"]
    for day, version in [("2020-01-01", "1"), ("2020-12-31", "1"), ("2021-01-01", "2"), ("2099-01-01", "2")]:
        assert policy_on(str(folder), date.fromisoformat(day), "case").file.version == version


@pytest.mark.parametrize("day", ["2019-12-31", "2021-06-30"])
def test_a_gap_is_an_error_that_lists_the_periods(put: Put, day: str) -> None:
    put("a.yaml", "1", "{from: 2020-01-01, to: 2020-12-31}")
    folder = put("b.yaml", "2", "{from: 2022-01-01}")
    with pytest.raises(UserError, match="POL-NOT-EFFECTIVE") as error:
        policy_on(str(folder), date.fromisoformat(day), "case")
    assert "1: 2020-01-01 – 2020-12-31; 2: 2022-01-01 – …" in error.value.what.en


@pytest.mark.parametrize("first", ["{from: 2020-01-01}", "{from: 2020-01-01, to: 2021-01-01}"])
def test_an_overlap_names_both_files(put: Put, first: str) -> None:
    put("old.yaml", "1", first)
    folder = put("new.yaml", "2", "{from: 2021-01-01}")
    with pytest.raises(UserError, match="POL-VERSION-OVERLAP") as error:
        versions(folder)
    assert str(folder / "old.yaml") in error.value.where
    assert str(folder / "new.yaml") in error.value.where


def test_a_folder_is_one_policy(put: Put) -> None:
    folder = put("a.yaml", "1", "{from: 2020-01-01, to: 2020-12-31}")
    (folder / "b.yaml").write_text(bent("id: small", "id: other"), "utf-8")
    with pytest.raises(UserError, match="POL-VERSION-ID"):
        versions(folder)


def test_an_empty_folder_holds_no_policy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="POL-NOT-FOUND"):
        policy_on(str(tmp_path), date(2020, 1, 1), "case")


def test_a_single_file_and_a_built_in_policy_are_versions_of_their_own(put: Put) -> None:
    file = put("a.yaml", "1", "{from: 2020-01-01, to: 2020-12-31}") / "a.yaml"
    assert policy_on(str(file), date(2020, 5, 1), "case").file.id == "small"
    assert policy_on("small_firm_credit", date(2020, 5, 1), "case").file.id == "small_firm_credit"
    with pytest.raises(UserError, match="POL-NOT-EFFECTIVE"):
        policy_on(str(file), date(2021, 1, 1), "case")
