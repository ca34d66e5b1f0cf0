"""The meaning of a decision table, row by row as docs/policy.md says it: what the lookup must equal."""

from __future__ import annotations

from xinqiao.policy.compiled import TableStep
from xinqiao.policy.logic import Evaluator
from xinqiao.policy.lookup import Answer


def find_rows(step: TableStep, evaluator: Evaluator) -> Answer:
    """A row that hangs on a missing value stops the search: going on would be a guess."""
    hits: list[int] = []
    for i, (condition, _) in enumerate(step.rows):
        truth = evaluator.truth(condition)
        if truth is None:
            return Answer((), "table_missing", evaluator.blame(condition))
        if truth:
            hits.append(i)
            if step.table.hit == "first":
                break
    if not hits:
        return Answer((), "table_no_row", ("",))
    if step.table.hit == "unique" and len(hits) > 1:
        return Answer(tuple(hits), "table_several_rows", ("",))
    return Answer(tuple(hits))
