from __future__ import annotations

import contextlib

import pytest

from tests.privacy.samples import samples
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.kind import kind_of, kinds

ODD: tuple[object, ...] = (None, [["x"]], [None], [], {}, {"x": []}, "x", "", 10**30, -1, 0.5, True)


@pytest.mark.parametrize("name", sorted(kinds()))
def test_parameters_of_any_shape_fit_or_are_refused(name: str) -> None:
    """Another party writes them: a proposal that ends in a mistake of ours would be answered by nothing."""
    manifest = samples()[name].manifest
    for param in {*manifest.params, "result_to", "protocol"}:
        for odd in ODD:
            told = manifest.model_copy(update={"params": manifest.params | {param: odd}})
            with contextlib.suppress(UserError):
                assert set(kind_of(told).learns(told)) == set(manifest.names)
