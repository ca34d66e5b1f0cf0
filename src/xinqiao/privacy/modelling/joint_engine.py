"""A joint scorecard by the SPU engine: ABY3 where a third party computes along, CHEETAH between two alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xinqiao.kernel.errors import fail
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, whole_array
from xinqiao.privacy.modelling.columns import SHRINK
from xinqiao.privacy.modelling.joint_logistic import rate
from xinqiao.privacy.modelling.joint_training import (
    Rows,
    common_rows,
    exchanged,
    out_of_fold,
    settings,
    shapes,
)
from xinqiao.privacy.modelling.lift import Lift, lift
from xinqiao.privacy.modelling.parties import members
from xinqiao.privacy.spu.engine import VERSION, engine
from xinqiao.scoring.columns import Floats


@dataclass(frozen=True, slots=True)
class Fitted:
    """A member's rows and coefficients (own width,); ``lift`` at the bank alone."""

    rows: Rows
    coefficients: Floats
    lift: Lift | None


def check(manifest: Manifest) -> None:
    """That the engine can do it: one holder, its version. Raises UserError PRV-MANIFEST."""
    if len(manifest.having("holder")) != 1:
        fail("PRV-MANIFEST", str(manifest.job), detail="spu: 1 x holder")
    if manifest.engine.version != VERSION:
        fail("PRV-MANIFEST", str(manifest.job), detail=f"spu {manifest.engine.version}, {VERSION}")


def third(manifest: Manifest) -> list[str]:
    """The party that computes along without data, where there is one."""
    return [party.name for party in manifest.having("dealer")]


def train(job: Job, link: Link) -> Fitted:
    """The side of the bank and of the holder. Raises UserError PRV-ENGINE, PRV-ENGINE-MISSING."""
    names, told = members(job.manifest), settings(job.manifest)
    rows = common_rows(job, link)
    sizes = exchanged(link, names, third(job.manifest), rows.matrix.shape)
    given = _given(job.manifest, sizes, rows.fold) | {"matrix": rows.matrix}
    if rows.bad is None:
        return Fitted(rows, _called(job, link, given)["coefficients"], None)
    for name in third(job.manifest):
        link.send(name, "folds", pack({"values": rows.fold.astype(np.uint8)}))
    share = rows.bad.mean()
    found = _called(job, link, given | {"bad": rows.bad, "base": float(np.log(share / (1 - share)))})
    alone = out_of_fold(rows.matrix, rows.bad, rows.fold, told.folds)
    measured = lift(found["held_out"], alone, rows.bad, told.folds)
    return Fitted(rows, found["coefficients"], measured)


def help_along(job: Job, link: Link) -> int:
    """The third party's side; the number of rows."""
    names = members(job.manifest)
    sizes = shapes(link, names)
    fold = whole_array(link.receive(names[0], "folds"), names[0], (sizes[0][0],), "|u1")
    if (fold >= settings(job.manifest).folds).any():
        fail("PRV-MESSAGE", names[0], detail="folds")
    _called(job, link, _given(job.manifest, sizes, fold.astype(np.intp)))
    return sizes[0][0]


def _given(manifest: Manifest, sizes: list[tuple[int, int]], fold: NDArray[np.intp]) -> dict[str, Any]:
    told = settings(manifest)
    return {
        "protocol": "ABY3" if third(manifest) else "CHEETAH",
        "rows": sizes[0][0],
        "widths": [width for _, width in sizes],
        "steps": told.steps,
        "rate": rate(len(sizes)),
        "ridge": SHRINK,
        "used": (fold[:, None] != np.arange(told.folds + 1)).astype(np.float32),
        "fold": fold,
    }


def _called(job: Job, link: Link, given: dict[str, Any]) -> dict[str, Floats]:
    parties = [*members(job.manifest), *third(job.manifest)]
    with engine(job, link, parties) as running:
        return running.call("fit", given, module="engine_scorecard")
