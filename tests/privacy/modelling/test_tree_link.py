"""What a holder of features answers to a bank that grows trees, and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.privacy.joint_data import DEALT, PARTIES, shorten, tables
from tests.privacy.manifests import manifest, run_all
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.link import Link, play
from xinqiao.privacy.job.wire import pack
from xinqiao.privacy.modelling import trees
from xinqiao.privacy.modelling.bin_sums import NOWHERE, ROOT, Nodes
from xinqiao.privacy.modelling.tree_growth import Cut, Shape
from xinqiao.privacy.modelling.tree_link import NO_NODES, Remote, checked
from xinqiao.privacy.modelling.trees import run

PARAMS = {"label": "bad", "trees": 4, "depth": 3, "bins": 8, "least": 10, "rate": 0.4}


@pytest.fixture
def short_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)


@pytest.mark.parametrize("beyond", [{"trees": 3}, {"depth": 4}])
def test_a_bank_that_grows_beyond_what_was_agreed_is_refused(
    beyond: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: a holder went on answering for as many trees and levels as it was asked for."""
    asked, real = manifest("trees", DEALT, PARAMS | {"trees": 2}), trees.boost

    def more(*given: Any) -> Any:  # noqa: ANN401 - as given
        return real(*(g.model_copy(update=beyond) if isinstance(g, Shape) else g for g in given))

    monkeypatch.setattr(trees, "boost", more)
    with pytest.raises(UserError, match="PRV-MESSAGE"):
        run_all(asked, run, tables(400), tmp_path)


def nodes(place: list[int], *parents: int) -> Nodes:
    return Nodes(np.array(place, np.uint8), parents)


WHOLE = nodes([0] * 12, ROOT)
HALVES = nodes([0] * 6 + [1] * 6, 0, 0)
UNEVEN = nodes([0] * 9 + [1] * 4, 0, 0)
OUT = NOWHERE


@pytest.mark.parametrize(
    ("asked", "before"),
    [
        (nodes([0] * 3 + [OUT] * 9, ROOT), NO_NODES),
        (nodes([0] * 11 + [OUT], ROOT), NO_NODES),
        (nodes([0] * 6 + [1] * 6, ROOT, ROOT), NO_NODES),
        (nodes([0] * 6 + [3] * 6, ROOT), NO_NODES),
        (nodes([0] * 12, 0), NO_NODES),
        (nodes([0] * 12, ROOT), WHOLE),
        (nodes([0] * 12, 7), WHOLE),
        (nodes([0] * 5 + [1] * 5 + [OUT] * 2, 0, 0), WHOLE),
        (nodes([0] * 6 + [1] * 6, 1, 1), HALVES),
        (nodes([0] * 4 + [2] * 4 + [OUT] + [1] * 4, 0, 1, 0), UNEVEN),
    ],
)
def test_a_holder_answers_only_whole_nodes_of_enough_rows(asked: Nodes, before: Nodes) -> None:
    """Trap: of two children of a node that stand apart, the sums of the one row left over follow."""
    assert checked(WHOLE, NO_NODES, "bank", 2) is WHOLE
    assert checked(HALVES, WHOLE, "bank", 2) is HALVES
    with pytest.raises(UserError, match="PRV-MESSAGE"):
        checked(asked, before, "bank", 2)


@pytest.mark.usefixtures("short_keys")
@pytest.mark.parametrize(
    "rows", [[[0, 0, 99]], [[0, 9, 0]], [[5, 0, 0]], [[-1, 0, 0]], [[0, 0, 0], [0, 0, 1]], [[0]]]
)
def test_cuts_that_are_none_end_the_job(rows: list[list[int]], tmp_path: Path) -> None:
    asked, own = manifest("trees", PARTIES, PARAMS | {"trees": 2}), tables(200)

    class Changed:
        """A bank's link whose first cuts are not what growth chose."""

        def __init__(self, link: Link) -> None:
            self.me, self.parties, self.receive, self._link = link.me, link.parties, link.receive, link

        def send(self, to: str, tag: str, payload: bytes) -> None:
            changed = tag == "trees.cuts" and self.me == "bank"
            self._link.send(to, tag, pack({"cuts": np.array(rows, np.int64)}) if changed else payload)

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        run_all(asked, run, own, tmp_path, wrap=Changed)


def test_wrong_sides_end_the_job() -> None:
    def tax(link: Link) -> None:
        link.receive("bank", "trees.cuts")
        link.send("bank", "trees.sides", pack({"sides": np.zeros(9, np.uint8)}))

    def bank(link: Link) -> None:
        remote = Remote(link, ["tax"], None)  # type: ignore[arg-type]  # no sums are asked for
        remote._nodes = WHOLE
        remote.cut({"tax": [Cut(0, 0, 0)]})

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        play({"bank": bank, "tax": tax})
