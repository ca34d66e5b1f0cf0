"""Looking up a decision table under three-valued logic."""

from __future__ import annotations

from xinqiao.policy.compiled import TableStep
from xinqiao.policy.logic import Evaluator, Value


def find_rows(step: TableStep, evaluator: Evaluator) -> tuple[list[int], str, tuple[str, ...]]:
    """The rows that hit (0-based), the fault when the table gives nothing, and the names to blame.

    A row that hangs on a missing value stops the search: whether it hits decides what the table
    gives, so going on would be a guess. Faults are keys of ``wording.WORDS``.
    """
    hits: list[int] = []
    for i, (condition, _) in enumerate(step.rows):
        truth = evaluator.truth(condition)
        if truth is None:
            return [], "table_missing", evaluator.blame(condition)
        if truth:
            hits.append(i)
            if step.table.hit == "first":
                break
    if not hits:
        return [], "table_no_row", ("",)
    if step.table.hit == "unique" and len(hits) > 1:
        return hits, "table_several_rows", ("",)
    return hits, "", ()


def row_values(step: TableStep, hits: list[int], evaluator: Evaluator) -> list[Value]:
    """The outputs of the rows hit: the first row's, or the greatest of each column (collect-max)."""
    columns = zip(*(step.rows[i][1] for i in hits), strict=True)
    if step.table.hit != "collect-max":
        return [evaluator.value(column[0]) for column in columns]
    numbers = [[evaluator.number(cell) for cell in column] for column in columns]
    return [max(number for number in column if number is not None) for column in numbers]
