"""Champion and challengers side by side on the summary of a run under a release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow.parquet as pq

from xinqiao.kernel.text import Text
from xinqiao.policy.release import CHAMPION
from xinqiao.report.summary import ArmRow, Trial
from xinqiao.run import views
from xinqiao.run.deciding import ARM, SILENT
from xinqiao.run.material import Material

LGD = 0.6
"""Loss given default of the expected losses on the summary, as in the built-in policy."""
EVERYONE = Text(zh="全部企业", en="all companies")
UNDRAWN = Text(zh="未抽中的企业", en="not drawn")

Rows = Sequence[Mapping[str, Any]]


def trial(material: Material, results: Rows) -> Trial | None:
    """The arms of the run's release, or None without one."""
    release = material.release
    if release is None:
        return None
    silent = pq.read_table(material.decisions.root / SILENT).to_pylist()
    arms = _live if release.file.mode == "live" else _shadow
    return Trial(release.file.name, release.file.mode, LGD, tuple(arms(material, results, silent)))


def _live(material: Material, results: Rows, silent: Rows) -> Iterator[ArmRow]:
    """Each arm on the companies drawn for it, and what the champion would have said of them."""
    assert material.release is not None  # noqa: S101 - only called under a release
    for arm in material.release.arms:
        mine = [row for row in results if row[ARM] == arm]
        group = UNDRAWN if arm == CHAMPION else _drawn_for(material.release.name_of(arm))
        yield _row(material, group, arm, mine, stands=True)
        if arm != CHAMPION:
            drawn = {row["company_id"] for row in mine}
            beside = [row for row in silent if row["company_id"] in drawn]
            yield _row(material, group, CHAMPION, beside, stands=False)


def _shadow(material: Material, results: Rows, silent: Rows) -> Iterator[ArmRow]:
    """The champion on all companies, then each challenger beside the champion on those it looked at."""
    assert material.release is not None  # noqa: S101 - only called under a release
    yield _row(material, EVERYONE, CHAMPION, results, stands=True)
    for arm in material.release.arms:
        if arm == CHAMPION:
            continue
        beside = [row for row in silent if row[ARM] == arm]
        seen = {row["company_id"] for row in beside}
        group = EVERYONE
        if len(seen) < len(results):
            group = _drawn_for(material.release.name_of(arm))
            mine = [row for row in results if row["company_id"] in seen]
            yield _row(material, group, CHAMPION, mine, stands=True)
        yield _row(material, group, arm, beside, stands=False)


def _drawn_for(arm: Text) -> Text:
    return Text(zh=f"抽中“{arm.zh}”的企业", en=f"drawn for {arm.en}")


def _row(material: Material, group: Text, arm: str, rows: Rows, *, stands: bool) -> ArmRow:
    assert material.release is not None  # noqa: S101 - only called under a release
    lent = [row for row in rows if row["outcome"] == "approve"]
    amount = sum(float(row["limit_cny"]) for row in lent)
    known = [material.sample[row["company_id"]] for row in lent if row["company_id"] in material.sample]
    low, high = views.share_interval(sum(known), len(known)) if known else (None, None)
    count = Counter(row["outcome"] for row in rows)
    interest = sum(float(row["limit_cny"]) * float(row["rate"]) for row in lent)
    loss = sum(float(row["limit_cny"]) * row["pd"] for row in lent) * LGD
    return ArmRow(
        group=group,
        arm=material.release.name_of(arm),
        stands=stands,
        companies=len(rows),
        approved=len(lent),
        referred=count["refer"],
        rejected=count["reject"],
        limit_cny=amount,
        mean_rate=interest / amount if amount else None,
        expected_loss=loss / amount if amount else None,
        known=len(known),
        bads=sum(known),
        low=low,
        high=high,
    )
