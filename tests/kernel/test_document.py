from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from xinqiao.kernel import document
from xinqiao.kernel.document import MAX_CHARS, parse, read_yaml
from xinqiao.kernel.errors import UserError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("ab中:#-'\"\n {}[]", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab中", min_size=1), inner, max_size=3)
    ),
    max_leaves=15,
)


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    size: int = 0


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    id: str
    parts: list[Part] = []


def _fault(text: str) -> UserError:
    with pytest.raises(UserError) as caught:
        read_yaml(text, "f.yaml")
    return caught.value


def _refusal(text: str) -> UserError | None:
    """Why ``text`` is refused; any other error fails the test."""
    try:
        read_yaml(text, "f.yaml")
    except UserError as error:
        return error
    return None


@given(PLAIN)
def test_what_is_written_is_read(value: object) -> None:
    assert read_yaml(yaml.safe_dump(value, allow_unicode=True), "f.yaml")[0] == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_its_origin(text: str) -> None:
    refused = _refusal(text)
    if refused is not None:
        assert refused.where.startswith("f.yaml")


@given(st.text("!<>&*|[]{}:?-,#'\"%@`\n ab01._~=", max_size=40))
def test_no_yaml_syntax_gets_past_the_guard(text: str) -> None:
    refused = _refusal(text)
    assert refused is None or refused.code in {"DOC-SYNTAX", "DOC-LIMIT"}


_WORDS = (
    "a: 1",
    "b:",
    "- x",
    "-",
    "- c: 2",
    "? k",
    ": v",
    '"q',
    "'s'",
    "# c",
    "a: |",
    "  text",
    "a: >-",
    "~",
)
_WORDS += (
    "{a: 1,",
    "b}",
    "[1,",
    "2]",
    "&a x",
    "*a",
    "!t y",
    "---",
    "...",
    "a: b: c",
    "k:v",
    "- - z",
    "a:\t1",
)
_ROWS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(_WORDS)), max_size=7)
_SYNTAX = st.text("!<>&*|[]{}:?-,#'\"%@`\n\t\u2028 ab01._~=", max_size=30)


@given(st.one_of(_SYNTAX, _ROWS.map(lambda rows: "\n".join(" " * n + word for n, word in rows))))
def test_the_quick_loader_reads_what_the_other_reads(text: str) -> None:
    def read() -> object:
        try:
            value, lines = read_yaml(text, "f.yaml")
        except UserError as error:
            return error.code, error.where, str(error.what)
        return repr(value), vars(lines)

    found = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "QUICK", yaml.SafeLoader)
        assert found == read()


@pytest.mark.parametrize("sign", ["[", "- ", "? ", '{"a": '])
def test_depth_is_refused_before_it_can_do_harm(sign: str) -> None:
    assert _fault(sign * 200_000).code in {"DOC-LIMIT", "DOC-SYNTAX"}


def test_empty_is_an_empty_mapping() -> None:
    assert read_yaml("# nothing\n", "f.yaml")[0] == {}


def test_lines_are_those_of_the_keys() -> None:
    _, lines = read_yaml("a: 1\nb:\n  - x\n  -\n    c: 2\n", "f.yaml")
    assert [lines.at(p) for p in [("a",), ("b",), ("b", 0), ("b", 1), ("b", 1, "c")]] == [1, 2, 3, 5, 5]
    assert lines.at(("b", 1, "none", "deeper")) == 5
    assert lines.where(("nowhere",)) == "f.yaml:1"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", 3),
        ("a:\n  x: 'open\n", 3),
        ("a: 1\n? [x, y]\n: 2\n", 2),
        ("a: 1\n? {x: y}\n: 2\n", 2),
        ("a: 1\nb: \x01\n", 2),
        ("a: 1\nb: 2024-13-45\n", 2),
        ("a: 1\nb: !!int abc\n", 2),
        ("a: 1\nb: !!timestamp abc\n", 2),
        ("a: 1\nb: !!bool abc\n", 2),
        ("a: 1\nb: !!python/object/apply:os.system x\n", 2),
        ("a: 1\nb: 12:30\n", 2),
        ("a: *nowhere\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
    ],
)
def test_a_syntax_fault_names_its_line(text: str, line: int) -> None:
    error = _fault(text)
    assert (error.code, error.where) == ("DOC-SYNTAX", f"f.yaml:{line}")


def test_bombs_are_refused() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{k}: &{k} [{','.join([f'*{before}'] * 9)}]\n"
        for before, k in zip("abcdefg", "bcdefgh", strict=True)
    )
    for text in (bomb, "a: &x [*x]", "[" * 30 + "]" * 30, "[" * 5000, "a" * (MAX_CHARS + 1)):
        assert _fault(text).code == "DOC-LIMIT"


def test_shape_faults_come_all_at_once_each_with_its_line() -> None:
    text = "id: 7\nparts:\n  - name: x\n    size: big\n  - size: 2\n    colour: red\n"
    with pytest.raises(UserError) as caught:
        parse(text, Whole, "f.yaml")
    assert caught.value.code == "DOC-SHAPE"
    for part in ("line 1 id:", "line 4 parts.0.size:", "line 5 parts.1.name:", "line 6 parts.1.colour:"):
        assert part in caught.value.what.en


def test_a_good_document_is_parsed() -> None:
    whole, lines = parse("id: 一\nparts:\n- name: x\n", Whole, "f.yaml")
    assert whole == Whole(id="一", parts=[Part(name="x")])
    assert lines.at(("parts", 0, "name")) == 3
