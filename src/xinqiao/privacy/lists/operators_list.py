"""Kind ``operators_list``: over several operators' lists, how many cards a person holds in all.

Builds the list anew and answers the bank's ids, none if it brings none. Params: ``list`` (its name),
``answer`` (``total``, ``at_least`` with ``threshold``, ``hit``; a list built for totals may be asked the
other ways later, one built for another answer only that), ``count_at_most`` (of one operator for one
id), ``quota`` (ids that may be asked until the list is built again). Protocols and what they reveal:
``lists.list_build``, ``lists.list_query``; asking a list that stands: ``lists.operators_query``.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import keys_of
from xinqiao.privacy.job.kind import Job, Kind, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import PARTIES_AT_MOST, Manifest
from xinqiao.privacy.lists.list_build import build
from xinqiao.privacy.lists.list_query import answer_all, ask_all, threshold_of
from xinqiao.privacy.lists.list_setting import listed
from xinqiao.privacy.lists.list_terms import ASK, BUILD, check_build, learns_build

OPERATOR = Text(zh="运营方", en="operator")
BANK = Text(zh="银行", en="bank")


def run(job: Job, link: Link) -> Result:
    """The protocol at this party. Raises UserError PRV-LIST-*, PRV-MESSAGE, PRV-POINT."""
    build(job, link)
    return ask_or_answer(job, link)


def ask_or_answer(job: Job, link: Link) -> Result:
    """The bank asks the ids of its table, the operators answer."""
    if job.me.role == "operator":
        return Result({"asked": answer_all(job, link)})
    if job.me.role != "bank":
        return Result({})
    return answered(job.manifest, job.rows, ask_all(job, link, keys_of(job.rows)))


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """The same from all lists at once."""
    totals: dict[str, int] = {}
    for party in manifest.having("operator"):
        table = tables[party.name]
        for key, count in listed(table, manifest.params.get("count_at_most", 1 << 31), party.name).items():
            totals[key] = totals.get(key, 0) + count
    bank, threshold = manifest.only("bank").name, threshold_of(manifest)
    asked = tables[bank]
    told = [totals.get(key, 0) for key in keys_of(asked)]
    told = told if threshold is None else [int(total >= threshold) for total in told]
    results = {party.name: Result({"asked": len(told)}) for party in manifest.having("operator")}
    results |= {party.name: Result({}) for party in manifest.having("keeper")}
    return results | {bank: answered(manifest, asked, told)}


def answered(manifest: Manifest, table: pa.Table, told: list[int]) -> Result:
    """The bank's result: its ids with a total, or with yes or no."""
    name = table.column_names[0]
    keys = {name: table.column(0)}
    summary = {"asked": len(told), "positive": sum(each > 0 for each in told)}
    if threshold_of(manifest) is None:
        return Result(summary, pa.table({**keys, "total": pa.array(told, pa.int64())}))
    return Result(summary, pa.table({**keys, "reached": pa.array([each > 0 for each in told], pa.bool_())}))


KIND = Kind(
    name="operators_list",
    version=1,
    title=Text(zh="多家运营方联合名单", en="list over several operators"),
    roles=(
        Role("operator", OPERATOR, 2, PARTIES_AT_MOST - 1, receives=False),
        Role("bank", BANK),
        Role("keeper", Text(zh="建表方", en="keeper"), 0, 1, brings_data=False, receives=False),
    ),
    protocols=(BUILD, ASK),
    check=check_build,
    learns=learns_build,
    run=run,
    plain=plain,
)
