"""Places of a policy's text changed one by one, the rest left byte for byte as it is, comments too.

A place is a path as in the data: ``("rules", 3, "if")``, ``("tables", 0, "rows", 2, 1)``. Whether the new
text is a good policy is for ``policy.check`` to say.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from xinqiao.kernel.document import Path
from xinqiao.kernel.errors import fail, user_error

_BARE = re.compile(r"[^\W\d]\w*(\.\.\w+)?")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")


class Rewriting:
    """The edits of one text; ``text()`` gives the result. Raises UserError DOC-SYNTAX, BWB-CELL."""

    def __init__(self, text: str, origin: str) -> None:
        self.origin = origin
        self._text = text
        self._edits: list[tuple[int, int, str]] = []
        printable(text, origin)
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise user_error("DOC-SYNTAX", f"{origin}:{line}", detail=error.problem or "") from error
        if root is None:
            fail("BWB-CELL", origin, detail="empty")
        self._root: yaml.Node = root

    def text(self) -> str:
        """The text with all edits made, from the last so that earlier places stay."""
        out = self._text
        for start, end, new in sorted(self._edits, reverse=True):
            out = out[:start] + new + out[end:]
        return out

    def shown(self, path: Path) -> str | None:
        """What stands at ``path``, as a form shows it: words without quotes, other data in one line."""
        node = self._find(path)
        if node is None:
            return None
        return str(node.value) if isinstance(node, yaml.ScalarNode) else self._span(node).strip()

    def put(self, path: Path, value: Any) -> None:  # noqa: ANN401 - plain data of YAML
        """Write ``value`` at ``path``."""
        node = self._find(path)
        if node is None:
            fail("BWB-CELL", self.origin, detail="/".join(map(str, path)))
        self._edits.append((node.start_mark.index, _end(node), flow(value)))

    def remove(self, path: Path) -> None:
        """Take the item at ``path`` out of its list, its whole lines."""
        self._edits.append((*self._lines(path), ""))

    def add(self, path: Path, items: Sequence[Any]) -> None:
        """Put ``items`` behind the last of the list at ``path``, each on a line of its own."""
        node = self._find(path)
        if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
            fail("BWB-CELL", self.origin, detail="/".join(map(str, path)))
        last = (*path, len(node.value) - 1)
        start, end = self._lines(last)
        indent = re.match(r"[ \t]*", self._text[start:])
        lead = indent.group() if indent else ""
        written = "".join(f"{lead}- {flow(item)}\n" for item in items)
        if end and self._text[end - 1] != "\n":
            written = "\n" + written
        self._edits.append((end, end, written))

    def raise_(self, path: Path) -> None:
        """Swap the item at ``path`` with the one before it."""
        place = path[-1]
        if not isinstance(place, int) or place < 1:
            return
        (a, b), (c, d) = self._lines((*path[:-1], place - 1)), self._lines(path)
        upper, lower = self._text[a:b], self._text[c:d]
        if not lower.endswith("\n"):
            upper, lower = upper.removesuffix("\n"), lower + "\n"
        self._edits.append((a, d, lower + self._text[b:c] + upper))

    def span(self, path: Path) -> tuple[int, int]:
        """First and last line (from 1) of what stands at ``path``; (0, 0) where nothing does."""
        node = self._find(path)
        if node is None:
            return 0, 0
        return node.start_mark.line + 1, self._text.count("\n", 0, _end(node)) + 1

    def _find(self, path: Path) -> yaml.Node | None:
        node: yaml.Node | None = self._root
        for step in path:
            if isinstance(node, yaml.MappingNode):
                node = next((value for key, value in node.value if key.value == str(step)), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
            else:
                return None
        return node

    def _span(self, node: yaml.Node) -> str:
        return self._text[node.start_mark.index : _end(node)]

    def _lines(self, path: Path) -> tuple[int, int]:
        """Where the lines of a list's item begin and end; fails where it shares them with another."""
        node = self._find(path)
        if node is None:
            fail("BWB-CELL", self.origin, detail="/".join(map(str, path)))
        start = self._text.rfind("\n", 0, node.start_mark.index) + 1
        if self._text[start : node.start_mark.index].strip() != "-":
            fail("BWB-CELL", self.origin, detail="/".join(map(str, path)))
        end = self._text.find("\n", _end(node))
        return start, len(self._text) if end < 0 else end + 1


def _end(node: yaml.Node) -> int:
    """Where a node's own text ends; a block's mark would be where the next thing begins."""
    if isinstance(node, yaml.MappingNode | yaml.SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def printable(text: str, where: str) -> None:
    """Refuse control characters, which no document holds. Raises UserError BWB-CELL."""
    try:
        yaml.SafeLoader(text).dispose()
    except yaml.YAMLError as error:
        raise user_error("BWB-CELL", where, detail=str(error).splitlines()[0]) from error


def flow(value: Any) -> str:  # noqa: ANN401 - plain data of YAML
    """Plain data in one line of YAML; bare words and numbers without quotes, all other texts in them."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        bare = _BARE.fullmatch(value) and yaml.safe_load(value) == value
        return value if bare else json.dumps(value, ensure_ascii=False)
    plain = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=math.inf)
    return plain.strip().removeprefix("[").removesuffix("]")


def typed(text: str, *, words: bool = False) -> Any:  # noqa: ANN401 - plain data of YAML
    """A form's text as data: numbers, truths and ``{...}`` unless only ``words`` stand there."""
    told = text.strip()
    printable(told, "cell")
    if words:
        return told
    if _NUMBER.fullmatch(told):
        return float(told) if "." in told else int(told)
    if told in ("true", "false"):
        return told == "true"
    if told.startswith("{"):
        try:
            return yaml.safe_load(told)
        except yaml.YAMLError as error:
            raise user_error("BWB-CELL", told[:60], detail=str(error).splitlines()[0]) from error
    return told
