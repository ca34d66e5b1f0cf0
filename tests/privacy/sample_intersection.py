"""The samples of ``intersection`` and of what builds on it."""

from __future__ import annotations

import pyarrow as pa

from tests.privacy.manifests import data, manifest
from tests.privacy.samples import Sample, ids

SAMPLES = {
    "intersection": Sample(
        manifest(
            "intersection",
            {
                "bank": ("holder", data(rows_at_most=1000)),
                "tax": ("holder", data("turnover", rows_at_most=1000)),
                "power": ("holder", data(rows_at_most=1000)),
            },
            {"result_to": ["bank", "tax"]},
        ),
        {
            "bank": pa.table({"id": [*ids(0, 60), "g000059"]}),
            "tax": pa.table({"id": ids(20, 80), "turnover": [float(number) for number in range(60)]}),
            "power": pa.table({"id": [*ids(30, 100), None]}),
        },
    )
}
