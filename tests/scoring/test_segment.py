from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.errors import UserError
from xinqiao.scoring.columns import read_columns
from xinqiao.scoring.segment import GENERAL, Router, load_segments, segments

ONE = """id: small
order: 1
name: {zh: 小, en: small}
about: {zh: 小, en: small}
when: REG01 < 3 and company_kind != "self_employed"
sources: [REG, INV]
without: [INV02]
"""
REST = ONE.replace("id: small\norder: 1", "id: rest\norder: 2").replace(
    'when: REG01 < 3 and company_kind != "self_employed"\n', ""
)


def place(row: dict[str, float | str | None]) -> str:
    kinds = segments()
    router = Router([k.when for k in kinds], [k.id for k in kinds])
    return kinds[router.of_row({name: row.get(name) for name in router.names})].id


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"company_kind": "self_employed", "REG01": 20.0, "INV01": 5e7}, "self_employed"),
        ({"company_kind": "company", "REG01": 3.0}, "established_small"),
        ({"company_kind": "company", "REG01": 2.99, "INV01": 9_999_999.0}, "start_up_micro"),
        ({"company_kind": "company", "REG01": 1.0, "INV01": 1e7}, "established_small"),
        ({"company_kind": None, "REG01": None, "INV01": 1e7}, "established_small"),
        ({"company_kind": None, "REG01": 8.0}, "established_small"),
        ({"company_kind": "company"}, "start_up_micro"),
        ({}, "start_up_micro"),
        ({"company_kind": "partnership no list knows", "REG01": float("nan")}, "start_up_micro"),
    ],
)
def test_every_firm_has_a_segment_whatever_is_missing(
    row: dict[str, float | str | None], wanted: str
) -> None:
    assert place(row) == wanted


FIRM = st.fixed_dictionaries(
    {
        "company_kind": st.sampled_from([None, "company", "self_employed", "branch"]),
        "REG01": st.one_of(st.none(), st.floats(0, 50)),
        "INV01": st.one_of(st.none(), st.floats(-1e6, 1e9)),
    }
)


@given(st.lists(FIRM, min_size=1, max_size=20))
def test_a_frame_is_routed_as_its_rows_are(rows: list[dict[str, float | str | None]]) -> None:
    kinds = segments()
    router = Router([k.when for k in kinds], [k.id for k in kinds])
    frame = pd.DataFrame(rows, columns=list(router.names))
    frame = frame.assign(**{n: frame[n].astype(float) for n in ("REG01", "INV01")})
    places = router.of_columns(read_columns(frame)).tolist()
    assert places == [router.of_row(row) for row in rows]


def test_segments_of_the_catalog_use_the_sources_their_firms_have() -> None:
    by_id = {kind.id: kind for kind in segments()}
    assert list(by_id) == ["self_employed", "established_small", "start_up_micro"]
    sources = {i.id: i.source for i in indicators().values()}
    own = set(by_id["self_employed"].columns(sources))
    assert "REG01" in own
    assert not own & {"REG02", "REG05", "REG12"}
    assert not {"SOC", "HPF", "IPR", "CUS", "ENV"} & set(by_id["self_employed"].sources)
    assert set(by_id["start_up_micro"].sources) < set(by_id["established_small"].sources)
    assert {kind.fallback for kind in segments()} == {GENERAL}


@pytest.mark.parametrize(
    ("texts", "code", "where"),
    [
        ([ONE.replace("INV02", "INV99"), REST], "SCR-SEGMENT", "f0.yaml:7"),
        ([ONE.replace("[REG, INV]", "[REG, NOPE]"), REST], "SCR-SEGMENT", "f0.yaml:6"),
        ([ONE.replace("REG01 < 3", "NOPE01 < 3"), REST], "SCR-SEGMENT", "f0.yaml:5"),
        ([ONE.replace("REG01 < 3", "REG01 < 'x'"), REST], "SCR-CONDITION", "f0.yaml:5"),
        ([ONE.replace("REG01 < 3", "REG01 <"), REST], "EXPR-SYNTAX", "f0.yaml:5"),
        ([ONE, ONE.replace("order: 1", "order: 2")], "SCR-SEGMENT", "f0.yaml:1"),
        ([ONE, REST.replace("order: 2", "order: 1")], "SCR-SEGMENT", "f0.yaml:2"),
        ([ONE], "SCR-SEGMENT", "f0.yaml:5"),
        ([REST, ONE.replace("order: 1", "order: 3")], "SCR-SEGMENT", "f0.yaml:2"),
        ([ONE + "fallback: nobody\n", REST], "SCR-SEGMENT", "f0.yaml:8"),
        ([ONE + "fallback: rest\n", REST + "fallback: small\n"], "SCR-SEGMENT", "f0.yaml:8"),
        ([ONE + "colour: red\n", REST], "DOC-SHAPE", "f0.yaml:8"),
        ([], "SCR-SEGMENT", "segments"),
    ],
)
def test_a_fault_is_told_with_file_and_line(texts: list[str], code: str, where: str) -> None:
    with pytest.raises(UserError) as caught:
        load_segments((f"f{i}.yaml", text) for i, text in enumerate(texts))
    assert caught.value.code == code
    assert caught.value.where.startswith(where)


def test_facts_of_the_wrong_kind_are_refused() -> None:
    router = Router(['company_kind == "x"', "REG01 > 1", None], ["a", "b", "c"])
    with pytest.raises(UserError, match="SCR-COLUMN-ABSENT"):
        router.of_row({"REG01": 1.0})
    with pytest.raises(UserError, match="SCR-COLUMN-TYPE"):
        router.of_row({"company_kind": 3, "REG01": 1.0})
    with pytest.raises(UserError, match="SCR-COLUMN-TYPE"):
        router.of_row({"company_kind": "x", "REG01": "one"})
    frame = pd.DataFrame({"company_kind": [1.0, None], "REG01": [1.0, 2.0]})
    with pytest.raises(UserError, match="SCR-COLUMN-TYPE"):
        router.of_columns(read_columns(frame))
    empty = pd.DataFrame({"company_kind": [None, None], "REG01": [1.0, 2.0]})
    assert router.of_columns(read_columns(empty)).tolist() == [2, 1]
