"""One company's holders with their chains, drawn and in words."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path

import pytest

from tests.indicator.lakes import RowLake, T, firm
from tests.relation.graphs import graph
from tests.relation.test_measures import stake
from xinqiao.kernel.errors import UserError
from xinqiao.relation.drawing import drawn
from xinqiao.relation.paths import chains
from xinqiao.relation.penetration import penetrate


def lake(folder: Path) -> RowLake:
    # p1 holds A over B (51 % of 60 %) and over C (100 % of 30 %); 10 % of A is not recorded
    holdings = [
        stake("A", "B", 0.6),
        stake("A", "C", 0.3),
        stake("B", "p1", 0.51),
        stake("B", "p2", 0.49),
        stake("C", "p1", 1.0),
        stake("Y", "Z", 1.0),
        stake("Z", "Y", 1.0),
    ]
    return RowLake(folder, {"registry": [*map(firm, "ABCEYZ")], "registry_holding": holdings})


def test_stakes_chains_and_controller(tmp_path: Path) -> None:
    found = penetrate(lake(tmp_path), T, "A", 0.25).as_json()
    first, second = found["ultimate_holders"]
    assert (first["id"], first["kind"], first["share"], first["at_most"]) == ("p1", "person", 0.606, 0.706)
    assert first["paths"] == [
        [{"firm": "A", "holder": "B", "share": 0.6}, {"firm": "B", "holder": "p1", "share": 0.51}],
        [{"firm": "A", "holder": "C", "share": 0.3}, {"firm": "C", "holder": "p1", "share": 1.0}],
    ]
    assert (second["id"], second["share"]) == ("p2", 0.294)
    assert found["controller"] == {"id": "p1", "kind": "person"}
    assert (found["votes"], found["layers"], found["controller_share"]) == (0.9, 2, 0.606)
    assert len(found["control_paths"]) == 2
    assert found["unknown_share"] == pytest.approx(0.1)


def test_a_circle_with_nobody_at_its_end(tmp_path: Path) -> None:
    found = penetrate(lake(tmp_path), T, "Y", 0.25)
    assert (found.holders, found.controller, found.circular) == ((), None, 1.0)
    assert "尽头无人" in found.state.zh


@pytest.mark.parametrize("share", [float("nan"), float("inf"), -0.5, None])
def test_a_share_that_is_none_is_unknown(tmp_path: Path, share: float | None) -> None:
    holdings = [stake("A", "p1", share), stake("A", "p2", 0.6), stake("A", "x", 0.1, holder_id=None)]
    lake = RowLake(tmp_path, {"registry": [firm("A")], "registry_holding": holdings})
    found = penetrate(lake, T, "A", 0.25)
    assert [(h.party.id, h.share) for h in found.holders] == [("p2", 0.6)]
    assert (found.unknown, found.recorded) == (pytest.approx(0.4), pytest.approx(0.6))
    assert drawn(found)


@pytest.mark.parametrize(
    ("company", "day", "threshold", "code"),
    [
        ("A", T, 0.0, "REL-THRESHOLD"),
        ("A", T, float("nan"), "REL-THRESHOLD"),
        ("nobody", T, 0.25, "REL-COMPANY"),
        ("A", date(2019, 1, 1), 0.25, "REL-COMPANY"),
        ("E", T, 0.25, "REL-HOLDERS"),
    ],
)
def test_faults(tmp_path: Path, company: str, day: date, threshold: float, code: str) -> None:
    with pytest.raises(UserError) as told:
        penetrate(lake(tmp_path), day, company, threshold)
    assert told.value.code == code


def test_the_picture_holds_every_party_once(tmp_path: Path) -> None:
    picture = ET.fromstring(drawn(penetrate(lake(tmp_path), T, "A", 0.25)))  # noqa: S314 - our own picture
    svg = "{http://www.w3.org/2000/svg}"
    names = [box.findtext(f"{svg}title") for box in picture.iter(f"{svg}g")]
    assert sorted(str(name) for name in names) == ["A", "B", "C", "p1", "p2"]
    assert len(list(picture.iter(f"{svg}line"))) == 5
    assert [box.get("class") for box in picture.iter(f"{svg}rect")].count("p c") == 1


def test_chains_through_a_circle_are_listed_once() -> None:
    found = chains(graph(3, [(0, 1, 0.5), (1, 0, 0.5), (0, 2, 0.5), (1, 2, 0.5)]), 0, {2})
    assert [(chain.nodes, chain.product) for chain in found] == [((0, 2), 0.5), ((0, 1, 2), 0.25)]
