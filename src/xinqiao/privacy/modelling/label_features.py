"""What WOE and trees begin with: a label, features in bins that no label shaped, rows joined in plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.kernel.errors import fail
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest, Name, Party
from xinqiao.privacy.modelling.bin_sums import Asker, Bins, Teller
from xinqiao.privacy.modelling.bin_sums_dealer import DealerAsker, DealerTeller
from xinqiao.privacy.modelling.bin_sums_paillier import PaillierAsker, PaillierTeller
from xinqiao.scoring.card import Variable
from xinqiao.scoring.columns import read_columns
from xinqiao.scoring.compiled import variable_codes
from xinqiao.scoring.fine import fine_variables

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
COMMON_TEXT = 0.02
"""Share of rows from which a text is a bin of its own."""


class LabelParams(BaseModel):
    """Parameters that both kinds have.

    ``bins``: of a feature, at most; ``least``: rows in a bin or node. ``encryption``: where no dealer is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Name
    bins: int = Field(default=16, ge=2, le=64, strict=True)
    least: int = Field(default=20, ge=5, le=10_000, strict=True)
    encryption: Literal["paillier", "okamoto_uchiyama"] = "paillier"


P = TypeVar("P", bound=LabelParams)


def read_params(kind: type[P], manifest: Manifest) -> P:
    """The manifest's parameters. Raises UserError PRV-MANIFEST for wrong ones and for absent columns."""
    try:
        params = kind.model_validate(manifest.params)
    except ValidationError as error:
        told = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in told["loc"])
        return fail("PRV-MANIFEST", str(manifest.job), detail=f"{place}: {told['msg']}")
    bank = manifest.only("bank")
    if params.label not in columns_of(bank):
        fail("PRV-MANIFEST", str(manifest.job), detail=f"{bank.name}: {params.label}")
    for party in manifest.having("holder"):
        if not columns_of(party):
            fail("PRV-MANIFEST", str(manifest.job), detail=f"{party.name}: columns")
    return params


def columns_of(party: Party) -> tuple[str, ...]:
    """The columns that a party brings."""
    return party.input.columns if party.input else ()


def label_of(table: pa.Table, label: str, where: str) -> Floats:
    """The label (rows,), 1.0 = bad. Raises UserError PRV-LABEL unless both classes are there and no gap."""
    column = read_columns(table.select([label])).column(label)
    if column.dtype != np.float64 or not np.isin(column, (0.0, 1.0)).all() or len(np.unique(column)) != 2:  # noqa: PLR2004 - good and bad
        fail("PRV-LABEL", where, column=label)
    return column


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


def data_holders(manifest: Manifest) -> tuple[str, ...]:
    """The bank and the holders, in the manifest's order."""
    return tuple(party.name for party in manifest.parties if party.role != "dealer")


def joined_plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Each table's rows of the keys that all tables have, in one order."""
    names = data_holders(manifest)
    keys = {name: tables[name].column(0).cast(pa.string()).to_pylist() for name in names}
    common = sorted(set.intersection(*(set(known) for known in keys.values())))
    told = {}
    for name in names:
        place = {key: row for row, key in enumerate(keys[name])}
        told[name] = tables[name].take(pa.array([place[key] for key in common], pa.int64()))
    return told
