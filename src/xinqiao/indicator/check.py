"""Load-time checks of a catalog: every name and function known, every argument count right.

After `check` has passed, compiling can fail only on types.
"""

from __future__ import annotations

from collections.abc import Collection

from xinqiao.indicator.compiler import AS_OF, aggregates
from xinqiao.indicator.function import AGGREGATE, SCALAR, Function
from xinqiao.indicator.model import COMPANY, Catalog, Formula, Indicator, View
from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import Call, Const, Name, Node, children, walk
from xinqiao.relation.declared import RELATION_TABLES
from xinqiao.source.contract import contracts


def check(catalog: Catalog) -> None:
    """Raise UserError IND-* at the first fault of ``catalog``."""
    outputs: dict[str, list[str]] = {}
    for view in catalog.views.values():
        _check_view(catalog, view, outputs, ())
    measures = _measures(catalog)
    for indicator in catalog.indicators.values():
        _check_indicator(catalog, indicator, measures)


def _check_view(
    catalog: Catalog, view: View, outputs: dict[str, list[str]], above: tuple[str, ...]
) -> list[str]:
    if view.id in above:
        fail("IND-VIEW", view.where, view=view.id, detail=" -> ".join((*above, view.id)))
    if view.id not in outputs:
        outputs[view.id] = _columns(catalog, view, outputs, (*above, view.id))
    return outputs[view.id]


def _columns(
    catalog: Catalog, view: View, outputs: dict[str, list[str]], above: tuple[str, ...]
) -> list[str]:
    """Check ``view``; returns its columns."""

    def of(name: str) -> list[str]:
        if name in catalog.views:
            return _check_view(catalog, catalog.views[name], outputs, above)
        if name in RELATION_TABLES:
            return list(RELATION_TABLES[name].columns)
        if name not in contracts():
            fail("IND-VIEW", view.where, view=view.id, detail=f"{name}?")
        return [field for field, shape in contracts()[name].fields.items() if not shape.outcome]

    known = list(of(view.source))
    for join in view.joins:
        right = of(join.view)
        for left_column, right_column in join.on:
            _known(left_column, known, view.where)
            _known(right_column, right, view.where)
        known += [join.prefix + column for column in right]
    for name, formula in view.columns.items():
        _check_formula(formula, known, SCALAR)
        known.append(name)
    if view.condition:
        _check_formula(view.condition, known, SCALAR)
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        fail("IND-DUPLICATE", view.where, name=", ".join(twice))
    return _grouped(view, known)


def _grouped(view: View, known: list[str]) -> list[str]:
    if bool(view.by) != bool(view.measures):
        fail("IND-VIEW", view.where, view=view.id, detail="by + measures")
    if view.dense and view.by != (COMPANY, "month"):
        fail("IND-VIEW", view.where, view=view.id, detail="dense: by [company_id, month]")
    for key in (*view.by, *view.select):
        _known(key, known, view.where)
    if not view.measures:
        return list(view.select) or known
    for formula in view.measures.values():
        _check_formula(formula, known, {**SCALAR, **AGGREGATE})
        _check_aggregate(formula, formula.node)
    return [*view.by, *view.measures]


def _check_aggregate(formula: Formula, node: Node) -> None:
    """In a measure every column stands inside exactly one aggregate function."""
    if isinstance(node, Call) and node.function in AGGREGATE:
        inner = [n for arg in node.args for n in walk(arg) if isinstance(n, Call) and n.function in AGGREGATE]
        if inner:
            fail("IND-AGGREGATE", f"{formula.where}:{inner[0].column}", name=inner[0].function)
        return
    if isinstance(node, Name) and node.id != AS_OF:
        fail("IND-AGGREGATE", f"{formula.where}:{node.column}", name=node.id)
    for child in children(node):
        _check_aggregate(formula, child)


def _check_formula(formula: Formula, known: Collection[str], functions: dict[str, Function]) -> None:
    for node in walk(formula.node):
        where = f"{formula.where}:{node.column}"
        if isinstance(node, Name) and node.id != AS_OF:
            _known(node.id, known, where)
        if isinstance(node, Call):
            _check_call(node, functions, where)


def _check_call(node: Call, functions: dict[str, Function], where: str) -> None:
    if node.function not in functions:
        fail("IND-FUNCTION", where, name=node.function, known=", ".join(sorted(functions)))
    function = functions[node.function]
    if not function.least <= len(node.args) <= function.most:
        fail("IND-ARGUMENTS", where, name=node.function, detail=str(len(node.args)), usage=function.usage)
    for arg in node.args[function.constants_from :]:
        if not isinstance(arg, Const) or type(arg.value) is not int or arg.value < 0:
            detail = "a whole number is needed"
            fail("IND-ARGUMENTS", where, name=node.function, detail=detail, usage=function.usage)


def _known(name: str, known: Collection[str], where: str) -> None:
    if name not in known:
        fail("IND-NAME", where, name=name, known=", ".join(sorted(known)))


def _measures(catalog: Catalog) -> list[str]:
    """The measures of all company views; each name may stand once."""
    found: dict[str, View] = {}
    for view in catalog.views.values():
        for name in view.measures if view.of_company else ():
            if name in found:
                fail("IND-DUPLICATE", view.measures[name].where, name=name)
            found[name] = view
    return list(found)


def _check_indicator(catalog: Catalog, indicator: Indicator, measures: list[str]) -> None:
    for formula in (*(need.formula for need in indicator.needs), indicator.expr):
        _check_formula(formula, measures, SCALAR)
        if aggregates(formula.node):
            fail("IND-AGGREGATE", formula.where, name=formula.text)
    if indicator.covered_by not in contracts():
        fail("IND-VIEW", indicator.expr.where, view=indicator.covered_by, detail="?")
    if indicator.red_flag:
        _check_formula(indicator.red_flag.formula, ["value", *catalog.indicators], SCALAR)
