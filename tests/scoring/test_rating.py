import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.scoring.rating import load_scale, master_scale

TEXT = """
id: two
name: {zh: 两级, en: two grades}
pd_floor: 0.001
pd_cap: 0.999
grades:
  - {id: A, pd_upper: 0.1, name: {zh: 好, en: good}, text: {zh: 好, en: good}}
  - {id: B, pd_upper: 1.0, name: {zh: 差, en: poor}, text: {zh: 差, en: poor}}
default: {id: D, name: {zh: 违约, en: default}, text: {zh: 违约, en: default}}
"""


def test_the_master_scale_has_ten_grades_and_d() -> None:
    scale = master_scale()
    assert [g.id for g in scale.grades] == [f"R{i}" for i in range(1, 11)]
    assert scale.default.id == "D"
    assert scale.grade(0.01, defaulted=True) == "D"
    assert scale.describe("D").name.zh == "已违约"


def test_a_bound_belongs_to_the_better_grade() -> None:
    scale = load_scale(TEXT, "two.yaml")
    assert [scale.grade(p) for p in (0, 0.1, 0.1000001, 1)] == ["A", "A", "B", "B"]


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_pd_never_has_a_better_grade(a: float, b: float) -> None:
    scale = master_scale()
    order = [g.id for g in scale.grades]
    low, high = sorted((a, b))
    assert order.index(scale.grade(low)) <= order.index(scale.grade(high))
    assert scale.pd_floor <= scale.bounded(a) <= scale.pd_cap


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [("pd_upper: 0.1", "pd_upper: 1.0", 8), ("pd_upper: 1.0", "pd_upper: 0.9", 8), ("id: B", "id: D", 6)],
)
def test_a_faulty_scale_is_refused_with_its_line(old: str, new: str, line: int) -> None:
    with pytest.raises(UserError, match="SCR-SCALE") as error:
        load_scale(TEXT.replace(old, new), "two.yaml")
    assert error.value.where == f"two.yaml:{line}"


def test_unknown_scales_grades_and_impossible_pds_are_refused() -> None:
    for call in (
        lambda: master_scale("nowhere"),
        lambda: master_scale("../errors/kernel"),
        lambda: master_scale().describe("Z"),
        lambda: master_scale().grade(1.5),
        lambda: master_scale().grade(float("nan")),
    ):
        with pytest.raises(UserError, match="SCR-SETTING"):
            call()
