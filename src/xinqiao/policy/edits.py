"""What was edited from one policy file to the next, and what each edit does by itself.

An edit is one part of the file (an input, a derived value, a rule, a table, the limit, the price)
that means something else now. Its lines are those of the two files. Its effect is found by trying:
the old policy with this one edit made, or, where that is no policy, the new one with it undone.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import yaml

from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.policy.compiled import Policy, compile_policy

Part = tuple[str, str]
"""Section of the file and id within it; the id is empty for a section that is one part."""

_NAMED = ("inputs", "derive")
_LISTED = ("tables", "rules")
_SINGLE = ("grades", "effective", "term_months", "limit", "price")
_WITHOUT_EFFECT = ("effective",)
KINDS = {
    "inputs": Text(zh="输入", en="input"),
    "derive": Text(zh="派生值", en="derived value"),
    "tables": Text(zh="决策表", en="table"),
    "rules": Text(zh="规则", en="rule"),
    "grades": Text(zh="评级", en="grades"),
    "effective": Text(zh="生效期", en="period"),
    "term_months": Text(zh="期限", en="term"),
    "limit": Text(zh="额度", en="limit"),
    "price": Text(zh="价格", en="price"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the old file (``-``), of the new one (``+``) or of both (blank), with its number there."""

    mark: Literal["-", "+", " "]
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A part that differs, and the two policies that differ by it alone.

    ``trial`` is the old policy without and with the edit, or the new one; ``undone`` says the latter.
    None: the edit works only together with others, or only on the days of the policy.
    """

    part: Part
    name: Text
    kind: Literal["added", "removed", "changed"]
    lines: tuple[Line, ...]
    trial: tuple[Policy, Policy] | None
    undone: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part as data and as numbered lines of its file."""

    data: object
    name: Text
    lines: tuple[tuple[int, str], ...]


def edits(a: Policy, b: Policy) -> list[Edit]:
    """Every part in which ``b`` means something else than ``a``, in the order of the new file."""
    old, new = (_pieces(policy.text) for policy in (a, b))
    parts = [part for part in dict.fromkeys([*new, *old]) if _data(old, part) != _data(new, part)]
    return [_edit(part, old.get(part), new.get(part), (a, b)) for part in parts]


def _data(pieces: Mapping[Part, _Piece], part: Part) -> object:
    piece = pieces.get(part)
    return None if piece is None else piece.data


def _edit(part: Part, old: _Piece | None, new: _Piece | None, policies: tuple[Policy, Policy]) -> Edit:
    some = new or old
    assert some is not None  # noqa: S101 - one of the files has the part
    trial, undone = _trial(part, *policies)
    kind: Literal["added", "removed", "changed"] = "changed"
    if old is None or new is None:
        kind = "added" if old is None else "removed"
    return Edit(part, some.name, kind, _lines(old, new), trial, undone)


def _trial(part: Part, a: Policy, b: Policy) -> tuple[tuple[Policy, Policy] | None, bool]:
    if part[0] in _WITHOUT_EFFECT:
        return None, False
    made = _with(a, part, b)
    if made is not None:
        return (a, made), False
    undone = _with(b, part, a)
    return (None, False) if undone is None else ((undone, b), True)


def _lines(old: _Piece | None, new: _Piece | None) -> tuple[Line, ...]:
    """The lines of a part side by side: those that went, those that came, one unchanged around them."""
    was, now = (piece.lines if piece else () for piece in (old, new))
    texts = [[text for _, text in side] for side in (was, now)]
    matcher = difflib.SequenceMatcher(None, texts[0], texts[1], autojunk=False)
    out: list[Line] = []
    for group in matcher.get_grouped_opcodes(1):
        for tag, i0, i1, j0, j1 in group:
            if tag == "equal":
                out += [Line(" ", *line) for line in now[j0:j1]]
            else:
                out += [Line("-", *line) for line in was[i0:i1]]
                out += [Line("+", *line) for line in now[j0:j1]]
    return tuple(out)


# parts as data -----------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _read(text: str) -> dict[str, Any]:
    """A checked policy file as plain data, which nobody may change."""
    data: dict[str, Any] = yaml.safe_load(text)
    return data


def _with(policy: Policy, part: Part, other: Policy) -> Policy | None:
    """``policy`` with ``part`` as ``other`` has it; None when that is no policy."""
    data, section = _read(policy.text), part[0]
    given = _read(other.text).get(section)
    changed = {**data, section: _replaced(data.get(section), given, part) if part[1] else given}
    text = yaml.safe_dump(changed, allow_unicode=True, sort_keys=False)
    try:
        return compile_policy(text, f"{policy.file.id}.yaml")
    except UserError:
        return None


def _replaced(section: Any, given: Any, part: Part) -> Any:  # noqa: ANN401 - YAML data
    """A section with one of its items replaced by that of ``given``, taken away or added."""
    name = part[1]
    if part[0] in _NAMED:
        found = {key: value for key, value in (section or {}).items() if key != name}
        return {**found, name: given[name]} if name in (given or {}) else found
    other = next((item for item in given or [] if item["id"] == name), None)
    items = [other if item["id"] == name else item for item in section or []]
    if other is not None and other not in items:
        items.append(other)
    return [item for item in items if item is not None]


# parts as lines ----------------------------------------------------------------------------------


def _pieces(text: str) -> dict[Part, _Piece]:
    """Every part of a policy file, which has been checked already."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)  # noqa: S101 - the text was checked as a policy
    source, data = text.splitlines(), _read(text)
    found: dict[Part, _Piece] = {}
    for key, node in root.value:
        section = key.value
        if section in _SINGLE:
            whole = _span(source, key, node)
            found[section, ""] = _Piece(data[section], KINDS[section], whole)
        elif section in _NAMED:
            for name, item in node.value:
                label = Text(**data[section][name.value]["name"])
                found[section, name.value] = _Piece(
                    data[section][name.value], label, _span(source, name, item)
                )
        elif section in _LISTED:
            for item, value in zip(node.value, data[section], strict=True):
                found[section, value["id"]] = _Piece(value, Text(**value["name"]), _span(source, item, item))
    return found


def _span(source: Sequence[str], first: yaml.Node, last: yaml.Node) -> tuple[tuple[int, str], ...]:
    """The numbered lines from one node to the end of another, without blank and comment lines at the end."""
    start, end = first.start_mark.line, last.end_mark.line + (last.end_mark.column > 0)
    lines = [(i + 1, source[i]) for i in range(start, min(max(end, start + 1), len(source)))]
    while len(lines) > 1 and (not lines[-1][1].strip() or lines[-1][1].lstrip().startswith("#")):
        lines.pop()
    return tuple(lines)
