"""A joint scorecard by the SPU engine, where the environment names its Python."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.privacy.joint_data import DEALT, tables
from tests.privacy.manifests import job, manifest
from tests.privacy.sample_models import PARAMS, close
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.kind import Result, kind_of
from xinqiao.privacy.job.link import Link, play
from xinqiao.privacy.job.manifest import Engine
from xinqiao.privacy.modelling.scorecard import KIND
from xinqiao.privacy.spu.engine import VERSION

SPU = os.environ.get("XINQIAO_SPU_PYTHON")
ENGINE = Engine(name="spu", version=VERSION)
THREE, TWO = ("bank", "tax", "regulator"), ("bank", "tax")


@pytest.mark.skipif(not SPU, reason="XINQIAO_SPU_PYTHON names no Python with the engine")
@pytest.mark.parametrize(
    "parties",
    [
        THREE,
        pytest.param(
            TWO,
            marks=pytest.mark.skipif(
                "XINQIAO_CHEETAH" not in os.environ, reason="XINQIAO_CHEETAH: takes minutes"
            ),
        ),
    ],
)
def test_the_engine_finds_what_pooled_data_give(parties: tuple[str, ...], tmp_path: Path) -> None:
    told = manifest("scorecard", {name: DEALT[name] for name in parties}, PARAMS, engine=ENGINE)
    kind_of(told)
    rows = tables(250)

    def part(name: str) -> Callable[[Link], Result]:
        own = job(told, name, rows.get(name), tmp_path, Path(SPU or ""))
        return lambda link: KIND.run(own, link)

    close(KIND.plain(told, rows), play({name: part(name) for name in parties}))
    assert not list((tmp_path / "jobs").glob("*/*"))


def test_the_engine_takes_one_holder_its_own_version_and_no_other_name() -> None:
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        kind_of(manifest("scorecard", DEALT, PARAMS, engine=ENGINE))
    pair = {name: DEALT[name] for name in TWO}
    for engine in (Engine(name="spu", version="0.1"), Engine(name="other")):
        with pytest.raises(UserError, match="PRV-MANIFEST"):
            kind_of(manifest("scorecard", pair, PARAMS, engine=engine))
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        kind_of(manifest("data_value", pair | {"regulator": "dealer"}, PARAMS, engine=ENGINE))


def test_without_the_engine_s_python_the_job_says_so(tmp_path: Path) -> None:
    told = manifest("scorecard", {name: DEALT[name] for name in TWO}, PARAMS, engine=ENGINE)
    rows = tables(250)

    def part(name: str) -> Callable[[Link], Result]:
        own = job(told, name, rows[name], tmp_path)
        return lambda link: KIND.run(own, link)

    with pytest.raises(UserError, match="PRV-ENGINE-MISSING"):
        play({name: part(name) for name in TWO})
    learnt = KIND.learns(told)
    assert len(learnt["bank"]) == len(learnt["tax"]) + 2
