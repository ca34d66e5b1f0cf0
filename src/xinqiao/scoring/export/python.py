"""A card as a Python module that needs nothing but Python; our own scoring of one row runs it too."""

from __future__ import annotations

from collections.abc import Iterator

from xinqiao.scoring.card import Card, Variable

HEAD = '''"""Points card {id}: score(row) gives the points, codes(row) the bins of one row.

A row maps each of the {count} columns to its value; None and NaN are missing. Points are added as whole
numbers and divided once, so that every engine gives the same score.
"""

from bisect import bisect_right


def _number(name, value):
    if isinstance(value, str):
        raise TypeError(f"{{name}}: a number is needed, not the text {{value!r}}")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if number - number != 0.0:
        raise ValueError(f"{{name}}: not finite")
    return number


def _text(name, value):
    if not isinstance(value, str):
        raise TypeError(f"{{name}}: a text is needed, not {{value!r}}")
    return value
'''


def to_python(card: Card) -> str:
    """Source of a module with ``codes(row)`` (a tuple of ints) and ``score(row)`` (points).

    It raises KeyError on an absent column, TypeError on texts for numbers and the reverse, ValueError
    on infinities.
    """
    lines = [HEAD.format(id=card.card_id, count=len(card.variables)), ""]
    for i, variable in enumerate(card.variables):
        lines += _constants(i, variable, [card.units(b.points) for b in variable.bins])
    for k, pair in enumerate(card.pairs):
        grid = tuple(tuple(card.units(p) for p in row) for row in pair.points)
        lines.append(f"G{k} = {grid!r}")
    lines += ["", "", "def codes(row):", '    """Bin codes of one row, in the order of the card."""']
    for i, variable in enumerate(card.variables):
        lines += [f"    {line}" for line in _coding(i, variable)]
    every = "".join(f"c{i}, " for i in range(len(card.variables)))
    return "\n".join([*lines, f"    return ({every})", "", "", *_scoring(card), ""])


def _constants(i: int, variable: Variable, units: list[int]) -> Iterator[str]:
    known: dict[float | str, int] = {}
    for code, group in [
        *enumerate(variable.specials, variable.first_special),
        *enumerate(variable.categories),
    ]:
        for value in group:
            known.setdefault(value, code)
    yield f"P{i} = {tuple(units)!r}  # points of {variable.name!r}"
    if variable.edges:
        yield f"E{i} = {variable.edges!r}"
    if known:
        yield f"K{i} = {known!r}"


def _coding(i: int, variable: Variable) -> Iterator[str]:
    """Lines that set ``c<i>``."""
    yield f"x = row[{variable.name!r}]"
    yield "if x is None or x != x:"
    yield f"    c{i} = {variable.missing_code}"
    yield "else:"
    if variable.kind == "categorical":
        yield "    if x.__class__ is not str:"
        yield f"        x = _text({variable.name!r}, x)"
        other = len(variable.categories)
        known = bool(variable.specials) or bool(variable.categories)
        yield f"    c{i} = K{i}.get(x, {other})" if known else f"    c{i} = {other}"
        return
    yield "    if x.__class__ is not float or x - x != 0.0:"
    yield f"        x = _number({variable.name!r}, x)"
    found = f"bisect_right(E{i}, x)" if variable.edges else "0"
    if not any(variable.specials):
        yield f"    c{i} = {found}"
        return
    yield f"    c{i} = K{i}.get(x)"
    yield f"    if c{i} is None:"
    yield f"        c{i} = {found}"


def _scoring(card: Card) -> Iterator[str]:
    place = {name: i for i, name in enumerate(card.names)}
    yield "def score(row):"
    yield '    """Points of one row."""'
    yield "    c = codes(row)"
    yield f"    total = {card.units(card.base_points)}"
    for i in range(len(card.variables)):
        yield f"    total += P{i}[c[{i}]]"
    for k, pair in enumerate(card.pairs):
        yield f"    total += G{k}[c[{place[pair.left]}]][c[{place[pair.right]}]]"
    yield f"    return total / {card.unit}"
