"""Asking every rule about everyone, as of a date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from xinqiao.kernel.errors import fail
from xinqiao.relation.leads import applications, funds, graph, invoices, shells
from xinqiao.relation.leads.lead import Lead, lead_of
from xinqiao.relation.leads.question import Question
from xinqiao.relation.leads.rule import Rule, rules
from xinqiao.relation.leads.tables import CONTRACTS, prepare
from xinqiao.source.as_of import AsOf
from xinqiao.source.lake import Lake

QUESTIONS: dict[str, Question] = {
    name: value
    for module in (invoices, shells, applications, funds, graph)
    for name, value in vars(module).items()
    if isinstance(value, Question)
}
"""Rule -> its question."""

Tick = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Leads:
    """``leads`` by rule, in the catalog's order, and company, of the rules ``asked``.

    ``silent``: rules without their contracts.
    """

    as_of: date
    asked: tuple[str, ...]
    leads: tuple[Lead, ...]
    silent: dict[str, tuple[str, ...]]

    def counts(self) -> Counter[str]:
        """Leads by rule."""
        return Counter(lead.rule for lead in self.leads)

    def of(self) -> dict[str, list[Lead]]:
        """Company -> its leads."""
        found: dict[str, list[Lead]] = {}
        for lead in self.leads:
            found.setdefault(lead.company_id, []).append(lead)
        return found


def find_leads(
    lake: Lake,
    as_of: date,
    only: Iterable[str] | None = None,
    catalog: Mapping[str, Rule] | None = None,
    tick: Tick | None = None,
) -> Leads:
    """Ask the rules ``only`` (all when None) with the limits of ``catalog``.

    Raises UserError REL-RULE (no such rule).
    """
    known = rules() if catalog is None else catalog
    wanted = list(known) if only is None else list(only)
    for name in wanted:
        if name not in known or name not in QUESTIONS:
            fail("REL-RULE", "--rule", name=name, known=", ".join(known))
    chosen = tuple(name for name in known if name in wanted)
    found: list[Lead] = []
    silent: dict[str, tuple[str, ...]] = {}
    with AsOf(lake, as_of, CONTRACTS) as at:
        prepare(at)
        for place, name in enumerate(chosen):
            if tick is not None:
                tick(name, place, len(chosen))
            absent = tuple(c for c in QUESTIONS[name].needs if not at.holds(c))
            if absent:
                silent[name] = absent
            else:
                found += _ask(at, name, known[name])
    return Leads(as_of, chosen, tuple(found), silent)


def _ask(at: AsOf, name: str, rule: Rule) -> list[Lead]:
    question = QUESTIONS[name]
    for table in question.prepared:
        at.add(table, graph.PREPARED[table](at, rule.limits))
    rows = at.rows(question.query, **rule.limits)
    leads = (lead_of(name, row, rule.severity) for row in rows)
    return sorted(leads, key=lambda lead: lead.company_id)
