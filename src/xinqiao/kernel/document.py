"""Catalog documents: YAML text into checked models, with the line number in every error."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from xinqiao.kernel.errors import fail, user_error

Model = TypeVar("Model", bound=BaseModel)
Path = tuple[str | int, ...]

MAX_CHARS = 2_000_000
MAX_DEPTH = 24
MAX_NODES = 200_000
QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader on libyaml, six times as fast, where PyYAML was built with it."""
_ODD = re.compile(r"\t|[|>][-+0-9]*#")


class Lines:
    """Line numbers (1-based) of every mapping key and list item of a document."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._line: dict[Path, int] = {}

    def put(self, path: Path, line: int) -> None:
        """Note that ``path`` begins at ``line``."""
        self._line[path] = line

    def at(self, path: Path) -> int:
        """The line of ``path`` or of its nearest known ancestor."""
        while path and path not in self._line:
            path = path[:-1]
        return self._line.get(path, 1)

    def path_at(self, line: int) -> Path:
        """What stands on ``line``: the outermost entry that begins there, or on the nearest line above."""
        above = max((number for number in self._line.values() if number <= line), default=0)
        found = [path for path, number in self._line.items() if number == above and path]
        return min(found, key=len, default=())

    def where(self, path: Path) -> str:
        """``origin:line`` of ``path``, as errors show it."""
        return f"{self.origin}:{self.at(path)}"


class _Builder:
    """Builds plain data from YAML nodes; refuses duplicate keys, aliases bombs and depth."""

    def __init__(self, origin: str) -> None:
        self.lines = Lines(origin)
        self.nodes = 0
        self.safe = yaml.SafeLoader("")

    def build(self, node: yaml.Node, path: Path) -> Any:  # noqa: ANN401 - YAML data is untyped until validated
        self.nodes += 1
        if self.nodes > MAX_NODES or len(path) > MAX_DEPTH:
            fail("DOC-LIMIT", self._where(node), detail=f">{MAX_NODES} nodes or >{MAX_DEPTH} levels")
        self.lines.put(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> Any:  # noqa: ANN401 - YAML data is untyped until validated
        if node.tag == "tag:yaml.org,2002:int" and ":" in node.value:
            fail("DOC-SYNTAX", self._where(node), detail=f"{node.value} would be read in base 60; quote it")
        try:
            return self.safe.construct_object(node)
        except (ValueError, KeyError, AttributeError) as error:  # what PyYAML lets through of its own
            raise user_error("DOC-SYNTAX", self._where(node), detail=f"{node.value!r}: {error}") from error

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                fail("DOC-SYNTAX", self._where(key_node), detail="a key is a single value")
            key = self._scalar(key_node)
            if key in out:
                fail("DOC-SYNTAX", self._where(key_node), detail=f"key {key!r} stands twice")
            child: Path = (*path, key)
            out[key] = self.build(value_node, child)
            self.lines.put(child, key_node.start_mark.line + 1)
        return out

    def _where(self, node: yaml.Node) -> str:
        return f"{self.lines.origin}:{node.start_mark.line + 1}"


def _plain(text: str) -> bool:
    """Whether libyaml reads ``text`` as PyYAML does; what it refuses, PyYAML words the error for.

    Tabs, tags, document marks and a comment stuck to the sign of a block are where the two differ; depth,
    since libyaml's tree recurses without a limit.
    """
    if QUICK is yaml.SafeLoader or _ODD.search(text):
        return False
    depth = 0
    try:
        for event in yaml.parse(text, Loader=QUICK):
            if getattr(event, "tag", None) is not None or getattr(event, "explicit", None) is True:
                return False
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                return False
    except yaml.YAMLError:
        return False
    return True


def read_yaml(text: str, origin: str) -> tuple[Any, Lines]:
    """Parse YAML ``text``; ``origin`` (a file name) goes into errors.

    Raises UserError DOC-SYNTAX or DOC-LIMIT.
    """
    if len(text) > MAX_CHARS:
        fail("DOC-LIMIT", origin, detail=f"{len(text)} > {MAX_CHARS} characters")
    try:
        node = yaml.compose(text, Loader=QUICK if _plain(text) else yaml.SafeLoader)
        builder = _Builder(origin)
        if node is None:
            return {}, builder.lines
        return builder.build(node, ()), builder.lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        raise user_error("DOC-SYNTAX", f"{origin}:{line}", detail=error.problem or "") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise user_error("DOC-SYNTAX", f"{origin}:{line}", detail=error.reason) from error
    except RecursionError as error:
        raise user_error("DOC-LIMIT", origin, detail="nesting") from error


def parse(text: str, model: type[Model], origin: str) -> tuple[Model, Lines]:
    """Parse and validate a catalog document.

    Returns the model and the line numbers, so that later checks can name lines too.
    Raises UserError DOC-SYNTAX, DOC-LIMIT or DOC-SHAPE (all faults at once, each with its line).
    """
    data, lines = read_yaml(text, origin)
    try:
        return model.model_validate(data), lines
    except ValidationError as error:
        faults = shape_faults(error, lines)
        detail = "; ".join(f"line {line} {what}" for line, what in faults)
        raise user_error("DOC-SHAPE", f"{origin}:{faults[0][0]}", detail=detail) from error


def shape_faults(error: ValidationError, lines: Lines) -> list[tuple[int, str]]:
    """Line and words of every fault of a document's shape."""
    return [
        (lines.at(tuple(fault["loc"])), f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}")
        for fault in error.errors()
    ]
