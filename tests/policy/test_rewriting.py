from __future__ import annotations

import pytest
import yaml

from xinqiao.kernel.errors import UserError
from xinqiao.policy.load import read_policy
from xinqiao.policy.rewriting import Rewriting, flow, typed

TEXT, ORIGIN = read_policy("small_firm_credit")


def test_a_place_changes_and_all_else_stays_as_it_was() -> None:
    work = Rewriting(TEXT, ORIGIN)
    assert work.shown(("rules", 0, "if")) == "开票历史月数 < 6"
    assert work.shown(("tables", 0, "rows", 0, 2)) == "0.25"
    work.put(("rules", 0, "if"), "开票历史月数 < 9")
    work.put(("tables", 0, "rows", 0, 2), 0.3)
    work.put(("price", "max"), 0.12)
    old, new = TEXT.splitlines(), work.text().splitlines()
    changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert [b.strip() for _, b in changed] == [
        'if: "开票历史月数 < 9"',
        '- [R1..R3, "< 0.6", 0.3]',
        "max: 0.12",
    ]


def test_rows_come_go_and_move() -> None:
    work = Rewriting(TEXT, ORIGIN)
    rows = ("tables", 1, "rows")
    work.add(rows, [["R1", 0.5]])
    work.remove((*rows, 0))
    work.raise_((*rows, 2))
    read = yaml.safe_load(work.text())
    assert [row[0] for row in read["tables"][1]["rows"]][:3] == ["R3", "R2", "R4"]
    assert read["tables"][1]["rows"][-1] == ["R1", 0.5]
    assert read["rules"] == yaml.safe_load(TEXT)["rules"]


def test_the_last_row_of_a_file_without_a_line_end() -> None:
    work = Rewriting("a:\n  - 1\n  - 2", "x.yaml")
    work.add(("a",), [3])
    work.raise_(("a", 1))
    assert sorted(yaml.safe_load(work.text())["a"]) == [1, 2, 3]


def test_lines_of_a_place() -> None:
    first, last = Rewriting(TEXT, ORIGIN).span(("rules", 0))
    assert TEXT.splitlines()[first - 1].strip() == "- id: A01"
    assert "reason" in TEXT.splitlines()[last - 1]


@pytest.mark.parametrize(
    ("told", "data"),
    [("0.25", 0.25), ("3", 3), ("true", True), ("< 0.6", "< 0.6"), ("{a: b}", {"a": "b"}), ("-", "-")],
)
def test_a_forms_text_as_data(told: str, data: object) -> None:
    assert typed(told) == data
    assert yaml.safe_load(f"[{flow(data)}]") == [data]


def test_words_stay_words() -> None:
    assert typed("007", words=True) == "007"
    assert yaml.safe_load(f"[{flow('007')}]") == ["007"]
    assert yaml.safe_load(flow({"a": ["否", 'say "x"\n']})) == {"a": ["否", 'say "x"\n']}


def test_what_can_not_be_rewritten_is_told() -> None:
    work = Rewriting("a: [1, 2]\nb: x\n", "x.yaml")
    for doing in (lambda: work.remove(("a", 0)), lambda: work.put(("c",), 1), lambda: work.add(("a",), [1])):
        with pytest.raises(UserError) as caught:
            doing()
        assert caught.value.code == "BWB-CELL"
    with pytest.raises(UserError) as caught:
        Rewriting("a: [", "x.yaml")
    assert caught.value.code == "DOC-SYNTAX"
    with pytest.raises(UserError):
        typed("{a: ")
    with pytest.raises(UserError):
        Rewriting("", "x.yaml")
