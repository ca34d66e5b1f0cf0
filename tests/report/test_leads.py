"""Every figure a rule's query gives has words; the page is whole and safe."""

from __future__ import annotations

import re

from xinqiao.kernel.text import Text
from xinqiao.relation.leads.find import QUESTIONS
from xinqiao.report.charts.graph import Arc, small_graph
from xinqiao.report.leads import FIGURES

BESIDE = {"company_id", "severity", "records", "edges"}


def _columns(query: str) -> set[str]:
    """The columns of the last SELECT of a query, read from its text."""
    depth, last = 0, 0
    for match in re.finditer(r"\(|\)|\bSELECT\b", query):
        depth += {"(": 1, ")": -1}.get(match.group(), 0)
        if match.group() == "SELECT" and depth == 0:
            last = match.end()
    body = query[last:]
    parts, level, start = [], 0, 0
    for i, c in enumerate(body):
        level += (c in "([") - (c in ")]")
        if level == 0 and (c == "," or body[i:].startswith("FROM ")):
            parts.append(body[start:i].strip())
            start = i + 1
            if c != ",":
                break
    return {re.split(r"\s|\.", part)[-1] for part in parts}


def test_every_figure_has_words() -> None:
    for rule, question in QUESTIONS.items():
        columns = _columns(question.query)
        assert "company_id" in columns, rule
        assert columns - BESIDE <= set(FIGURES), (rule, columns - BESIDE - set(FIGURES))


def test_a_circle_is_drawn_in_its_order_and_names_stay_text() -> None:
    arcs = [Arc("C", "A", "x"), Arc("A", "<b>", "y"), Arc("<b>", "C", "z")]
    svg = str(small_graph(arcs, "A", Text(zh="图", en="graph")))
    labels = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert labels in (["A", "&lt;b&gt;", "C"], ["A", "C", "&lt;b&gt;"])
    assert svg.count("<polygon") == 3
    assert "<b>" not in svg
