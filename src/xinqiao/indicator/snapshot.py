"""The result of an evaluation: values and reasons, on disk as two Parquet files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.indicator.model import COMPANY
from xinqiao.kernel.errors import user_error

VALUES = "values.parquet"
MISSING = "missing.parquet"

MISSING_SCHEMA = pa.schema(
    [(COMPANY, pa.string()), ("indicator", pa.string()), ("reason", pa.string()), ("detail", pa.string())]
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Indicators of all companies as of a date.

    ``values``: ``company_id`` (sorted, each once) and one float64 column an indicator, null where
    missing. ``missing``: one row for every null (company_id, indicator, reason, detail), sorted by
    company, then in the order of the columns; ``detail`` names the absent source or field.
    """

    values: pa.Table
    missing: pa.Table
    as_of: date

    def __len__(self) -> int:
        return int(self.values.num_rows)

    def rows(self) -> list[dict[str, Any]]:
        """The values as one dict a company, company_id first; None where missing."""
        rows: list[dict[str, Any]] = self.values.to_pylist()
        return rows

    def frame(self) -> pd.DataFrame:
        """The values as a frame, one row a company, indexed by company id; NaN where missing."""
        frame: pd.DataFrame = self.values.to_pandas().set_index(COMPANY)
        return frame

    def write(self, folder: Path) -> None:
        """Write both files into ``folder``; the same snapshot always gives the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in ((MISSING, self.missing), (VALUES, self.values)):
            stamped = table.replace_schema_metadata({"as_of": self.as_of.isoformat()})
            part = folder / f".{name}.part"
            pq.write_table(stamped, part, compression="zstd")
            part.replace(folder / name)

    @classmethod
    def read(cls, folder: Path) -> Snapshot:
        """Read what `write` wrote; raises UserError IND-SNAPSHOT."""
        try:
            values, missing = (pq.read_table(folder / name) for name in (VALUES, MISSING))
            as_of = date.fromisoformat(values.schema.metadata[b"as_of"].decode())
        except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
            raise user_error("IND-SNAPSHOT", str(folder), detail=str(error)[:200]) from error
        return cls(values.replace_schema_metadata(None), missing.replace_schema_metadata(None), as_of)
