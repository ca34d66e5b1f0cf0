"""A product's data as the text of a product file, each rule, rate and fee on a line of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xinqiao.kernel.document import Path
from xinqiao.lending.product_format import ProductFile
from xinqiao.policy.rewriting import flow

KEYS = tuple(field.alias or name for name, field in ProductFile.model_fields.items())
"""The entries of a product in the order they are written."""
BLOCKS = frozenset({"limit", "pricing", "inputs", "derive"})
LISTS = frozenset({"admission", "tables", "fees", "authority"})


def written(data: Mapping[str, Any]) -> str:
    """``data`` as YAML; entries nobody knows come last, so that the check names them."""
    order = [*(key for key in KEYS if key in data), *(key for key in data if key not in KEYS)]
    return "".join(f"{line}\n" for key in order for line in _entry(key, data[key]))


def _entry(key: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - plain data of YAML
    head = flow(key)
    if key in BLOCKS and isinstance(value, Mapping) and value:
        yield f"{head}:"
        yield from (f"  {flow(name)}: {flow(each)}" for name, each in value.items())
    elif key in LISTS and isinstance(value, list | tuple) and value:
        yield f"{head}:"
        yield from (f"  - {flow(each)}" for each in value)
    else:
        yield f"{head}: {flow(value)}"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[Path, Any, Any]]:
    """Every place that differs, with what stood and what stands there; None: nothing.

    Lists are told as a whole where their items are plain; admission rules one by one.
    """
    old, new = dict(_leaves(before, ())), dict(_leaves(after, ()))
    order = [*new, *(path for path in old if path not in new)]
    return [(path, old.get(path), new.get(path)) for path in order if old.get(path) != new.get(path)]


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401 - plain data of YAML
    if isinstance(value, Mapping) and value and len(path) < 2:  # noqa: PLR2004 - deeper down told in one piece
        for key, each in value.items():
            yield from _leaves(each, (*path, str(key)))
    elif path == ("admission",) and isinstance(value, list):
        for each in value:
            name = each.get("use", each.get("id", "")) if isinstance(each, Mapping) else each
            yield (*path, str(name)), each
    else:
        yield path, value
