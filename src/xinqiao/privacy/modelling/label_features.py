"""What WOE and trees begin with: a label, and features in bins that no label shaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from xinqiao.kernel.errors import fail
from xinqiao.privacy.alignment.alignment import aligned, joined
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling.bin_sums import Asker, Bins, Teller
from xinqiao.privacy.modelling.bin_sums_dealer import DealerAsker, DealerTeller, deal
from xinqiao.privacy.modelling.bin_sums_paillier import PaillierAsker, PaillierTeller
from xinqiao.privacy.modelling.parties import ModelParams, columns_of, holders, members
from xinqiao.scoring.card import Variable
from xinqiao.scoring.columns import read_columns
from xinqiao.scoring.compiled import variable_codes
from xinqiao.scoring.fine import fine_variables

COMMON_TEXT = 0.02
"""Share of rows from which a text is a bin of its own."""


class LabelParams(ModelParams):
    """Parameters that both kinds have.

    ``bins``: of a feature, at most; ``least``: rows in a bin or node. ``encryption``: where no dealer is.
    """

    bins: int = Field(default=16, ge=2, le=64)
    least: int = Field(default=20, ge=5, le=10_000)
    encryption: Literal["paillier", "okamoto_uchiyama"] = "paillier"


def common_rows(job: Job, link: Link) -> pa.Table | None:
    """This party's rows of the common ids; None at the dealer, whose part of the job is done by then."""
    if job.me.role == "dealer":
        deal(link, job.manifest.only("bank").name, holders(job.manifest))
        return None
    return aligned(job, link, members(job.manifest))


def check_rows(table: pa.Table, least: int, where: str) -> None:
    """Raises UserError PRV-LABEL-ROWS where too few rows are in common."""
    if table.num_rows < least:
        fail("PRV-LABEL-ROWS", where, rows=table.num_rows, least=least)


def binned(table: pa.Table, names: Sequence[str], most: int) -> tuple[tuple[Variable, ...], Bins]:
    """Columns in bins of about equally many rows; which is a bin of its own: missing, and a common text."""
    columns = read_columns(table.select(list(names)))
    found = fine_variables(columns, None, None, most=most, min_share=COMMON_TEXT)
    return tuple(found), coded(table, found)


def coded(table: pa.Table, variables: Sequence[Variable]) -> Bins:
    """Rows of ``table`` by the bins of ``variables``. Raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE."""
    columns = read_columns(table.select([variable.name for variable in variables]))
    codes = [variable_codes(variable, columns.coded(variable.name)) for variable in variables]
    if not codes:
        return Bins(np.zeros((table.num_rows, 0), np.int64), np.zeros(1, np.int64))
    return Bins.of(codes, [len(variable.bins) for variable in variables])


def asker(job: Job, link: Link, rows: int) -> Asker:
    """The bank's side of the bin sums: by the dealer, where there is one, else by Paillier's encryption."""
    tellers = {party.name: len(columns_of(party)) for party in job.manifest.having("holder")}
    dealers = job.manifest.having("dealer")
    if dealers:
        return DealerAsker(link, tellers, dealers[0].name, rows)
    return PaillierAsker(link, tellers, job.params.get("encryption", "paillier"))


def teller(job: Job, link: Link, bins: Bins) -> Teller:
    """A holder's side of the same."""
    bank, dealers = job.manifest.only("bank").name, job.manifest.having("dealer")
    if dealers:
        return DealerTeller(link, bank, dealers[0].name, bins)
    return PaillierTeller(link, bank, bins, job.params.get("encryption", "paillier"))


def joined_plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Each party's rows of the common keys, in one order."""
    return joined({name: tables[name] for name in members(manifest)})
