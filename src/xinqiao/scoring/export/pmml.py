"""A card as a PMML 4.4 Scorecard, with reason codes where it has no two-way terms.

Partial scores are whole units, so their sum is exact; the output field ``points`` divides it once.
Attributes are tried in order: missing, specials, then ranges from below (or groups of categories),
then all that is left. Source: https://dmg.org/pmml/v4-4-1/Scorecard.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from xinqiao.kernel.errors import fail
from xinqiao.scoring.card import Card, Variable

NAMESPACE = "http://www.dmg.org/PMML-4_4"
REASONS = 4
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_pmml(card: Card) -> str:
    """The document; its output ``points`` is the score, ``reason_1`` to ``reason_4`` name columns.

    A reason is a column whose points fall short of its best ordinary bin, greatest shortfall first.
    Raises UserError SCR-EXPORT for texts XML cannot hold.
    """
    root = ET.Element("PMML", {"version": "4.4", "xmlns": NAMESPACE})
    header = ET.SubElement(root, "Header", {"description": f"card {card.card_id}"})
    ET.SubElement(header, "Application", {"name": "xinqiao"})
    fields = ET.SubElement(root, "DataDictionary", {"numberOfFields": str(len(card.variables))})
    for v in card.variables:
        kind = ("string", "categorical") if v.kind == "categorical" else ("double", "continuous")
        ET.SubElement(fields, "DataField", {"name": _safe(v.name), "dataType": kind[0], "optype": kind[1]})
    _scorecard(root, card)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _scorecard(root: ET.Element, card: Card) -> None:
    told = not card.pairs
    options = {"functionName": "regression", "initialScore": str(card.units(card.base_points))}
    reasoned = {"useReasonCodes": "true", "reasonCodeAlgorithm": "pointsBelow"}
    model = ET.SubElement(root, "Scorecard", options | (reasoned if told else {"useReasonCodes": "false"}))
    schema = ET.SubElement(model, "MiningSchema")
    for v in card.variables:
        ET.SubElement(schema, "MiningField", {"name": v.name, "usageType": "active"})
    _output(model, card, told=told)
    listed = ET.SubElement(model, "Characteristics")
    for v in card.variables:
        units = [card.units(b.points) for b in v.bins]
        best = max(units[code] for code in v.named)
        reason = {"baselineScore": str(best), "reasonCode": v.name} if told else {}
        part = ET.SubElement(listed, "Characteristic", {"name": v.name, **reason})
        for code, predicate in _predicates(v):
            ET.SubElement(part, "Attribute", {"partialScore": str(units[code])}).append(predicate)
    for k, pair in enumerate(card.pairs):
        part = ET.SubElement(listed, "Characteristic", {"name": f"pair {k}"})
        left, right = card.variable(pair.left), card.variable(pair.right)
        for i, first in _predicates(left):
            for j, second in _predicates(right):
                units_ = str(card.units(pair.points[i][j]))
                both = ET.SubElement(
                    ET.SubElement(part, "Attribute", {"partialScore": units_}),
                    "CompoundPredicate",
                    {"booleanOperator": "and"},
                )
                both.extend((first, second))


def _output(model: ET.Element, card: Card, *, told: bool) -> None:
    output = ET.SubElement(model, "Output")
    score = {"name": "units", "optype": "continuous", "dataType": "double", "feature": "predictedValue"}
    ET.SubElement(output, "OutputField", score)
    points = {"name": "points", "optype": "continuous", "dataType": "double", "feature": "transformedValue"}
    divided = ET.SubElement(ET.SubElement(output, "OutputField", points), "Apply", {"function": "/"})
    ET.SubElement(divided, "FieldRef", {"field": "units"})
    ET.SubElement(divided, "Constant", {"dataType": "double"}).text = str(card.unit)
    for rank in range(1, min(REASONS, len(card.variables)) + 1 if told else 1):
        kind = {"optype": "categorical", "dataType": "string", "feature": "reasonCode", "rank": str(rank)}
        ET.SubElement(output, "OutputField", {"name": f"reason_{rank}", **kind})


def _predicates(variable: Variable) -> Iterator[tuple[int, ET.Element]]:
    """(code, predicate) in the order they are to be tried; the first that is true holds."""
    field = {"field": variable.name}
    yield variable.missing_code, ET.Element("SimplePredicate", {**field, "operator": "isMissing"})
    for code, group in enumerate(variable.specials, variable.first_special):
        for value in group:
            yield code, _compared(field, "equal", value)
    if variable.kind == "categorical":
        for code, words in enumerate(variable.categories):
            for word in words:
                yield code, _compared(field, "equal", word)
    else:
        for code, edge in enumerate(variable.edges):
            yield code, _compared(field, "lessThan", edge)
    yield variable.first_special - 1, ET.Element("True")


def _compared(field: dict[str, str], operator: str, value: float | str) -> ET.Element:
    return ET.Element("SimplePredicate", {**field, "operator": operator, "value": _safe(str(value))})


def _safe(value: str) -> str:
    if _UNWRITABLE.search(value) or value != value.strip() or "\n" in value or "\t" in value or "\r" in value:
        fail("SCR-EXPORT", "pmml", target="pmml", detail=repr(value))
    return value
