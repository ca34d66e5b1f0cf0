"""A policy as a zen-engine decision (JDM graph): expressions, decision tables, one result.

zen's numbers are 28-digit decimals; floats it is given are cut to about 16 digits, so the exact
form hands numbers over as texts and turns them into numbers inside. Names are not ASCII in policies
and must be in zen, so inputs are v0, v1, ... and reasons w0, w1, ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import zen

from tests.peers.cases import line_of
from tests.peers.formula import NO, SEVERITY, YES, Formula, caused, row_tests
from tests.peers.zen_words import Zen
from xinqiao.kernel.expression import Name, Node
from xinqiao.policy.case import Inputs
from xinqiao.policy.compiled import DeriveStep, Policy, TableStep

Json = dict[str, Any]
LEAST = Decimal("1e-25")
"""Values nearer to zero are handed over as this: 28 digits after the point are all zen has."""


class Graph:
    """The JDM graph of a policy, a chain of nodes.

    ``exact`` reads numbers from texts; without ``told`` it is carried over word by word, as if no
    value were ever missing.
    """

    def __init__(self, policy: Policy, *, exact: bool, told: bool = True) -> None:
        self.policy = policy
        self.told = told
        self.say = Zen(policy, told=told)
        self.write = Formula(policy, self.say)
        self.caused = caused(policy) if told else set[str]()
        self.exact = exact
        self.nodes: list[Json] = []

    def content(self) -> Json:
        """The decision as zen loads it."""
        if self.exact:
            self._read()
        for step in self.policy.steps:
            if isinstance(step, DeriveStep):
                self._derive(step)
            else:
                self._table(step)
        self._flush("derive")
        self._checks()
        self._ends()
        return self._chain()

    # nodes ------------------------------------------------------------------------------------

    def _chain(self) -> Json:
        ends = [{"type": kind, "name": kind} for kind in ("inputNode", "outputNode")]
        nodes = [ends[0], *self.nodes, ends[1]]
        for i, node in enumerate(nodes):
            node |= {"id": f"node{i}", "position": {"x": 0, "y": 0}}
        edges = [
            {"id": f"edge{i}", "type": "edge", "sourceId": f"node{i}", "targetId": f"node{i + 1}"}
            for i in range(len(nodes) - 1)
        ]
        return {"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}

    def _flush(self, name: str) -> None:
        """All values made since the last node, as one expression node."""
        made = self.say.made
        if made:
            expressions = [{"id": key, "key": key, "value": value} for key, value in made.items()]
            content = {"passThrough": True, "expressions": expressions}
            self.nodes.append({"type": "expressionNode", "name": name, "content": content})
        self.say.made = {}

    def _make(self, key: str, value: str) -> None:
        self.say.made[key] = value

    def _grid(
        self, name: str, path: str, hit: str, fields: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> None:
        """A decision table; the columns after ``fields`` that rows have are output columns by name."""
        inputs = [
            {"id": f"i{j}", "name": field or "any", **({"field": field} if field else {})}
            for j, field in enumerate(fields)
        ]
        outs = self.outs
        outputs = [{"id": f"o{j}", "name": field, "field": field} for j, field in enumerate(outs)]
        ids = [f"i{j}" for j in range(len(fields))] + [f"o{j}" for j in range(len(outs))]
        rules = [{"_id": f"r{i}", **dict(zip(ids, row, strict=True))} for i, row in enumerate(rows)]
        content = {
            "hitPolicy": hit,
            "passThrough": True,
            "outputPath": path,
            "inputs": inputs,
            "outputs": outputs,
            "rules": rules,
        }
        self.nodes.append({"type": "decisionTableNode", "name": name, "content": content})

    # steps ------------------------------------------------------------------------------------

    def _read(self) -> None:
        for name in self.policy.file.inputs:
            key = self.say.name(name)
            if self.policy.kinds[name].base in ("number", "date"):
                self._make(key, f"{key} == null ? null : number({key})")
        self._flush("read")

    def _derive(self, step: DeriveStep) -> None:
        value = self.say.choose(self.write.known(step.tree), self.write.value(step.tree), "null")
        if self.policy.kinds[step.name].base == "bool":
            value = self._three(step.tree)
        blamed = self.write.blames(step.tree) if step.name in self.caused else {}
        self._make(f"v{self.say.place[step.name]}", value)
        for atom, test in blamed.items():
            self._make(f"c{self.say.place[step.name]}_{self.say.place[atom or step.name]}", test)

    def _three(self, tree: Node) -> str:
        return f"({self.write.true(tree)} ? true : ({self.write.false(tree)} ? false : null))"

    def _table(self, step: TableStep) -> None:
        table, place = step.table, self.policy.steps.index(step)
        self._flush("derive")
        first = table.hit == "first"
        blame = not self.caused.isdisjoint(table.outputs)
        self.outs = ["row", "gap", *(f"v{self.say.place[out]}" for out in table.outputs)]
        self.outs += [f"m{j}" for j in range(len(table.inputs))] if blame else []
        dollars = self._dollars(step)
        fields = [self.say.name(name) if name in dollars else "" for name in table.inputs] + (
            [] if first else [""]
        )
        rows = list(self._rows(step, dollars, first=first, blame=blame))
        self._grid(table.id, f"t{place}", "first" if first else "collect", fields, rows)
        self._outputs(step, f"t{place}")

    def _rows(self, step: TableStep, dollars: set[str], *, first: bool, blame: bool) -> Iterator[list[str]]:
        """Each row twice: where it is true, and where it hangs on a missing value."""
        for i, (condition, outputs) in enumerate(step.rows):
            tests = row_tests(condition)
            sure, open_, gone = [], [], []
            for name in step.table.inputs:
                here = "$" if name in dollars else self.say.name(name)
                test = self._cell(tests[name], dollar=name in dollars) if name in tests else ""
                sure.append(f"{here} != null and {test}" if test and self.told else test)
                open_.append(f"{here} == null or {test}" if test else "")
                if test:
                    gone.append(f"{self.say.name(name)} == null")
            values = [self._constant(out.value) for out in outputs]
            marks = [YES if name in tests else NO for name in step.table.inputs] if blame else []
            extra = ([], []) if first else ([""], [" or ".join(gone)])
            yield [*sure, *extra[0], str(i), NO, *values, *marks]
            if gone and self.told:
                yield [*open_, *extra[1], str(i), YES, *["null"] * len(values), *marks]

    def _dollars(self, step: TableStep) -> set[str]:
        """The columns whose tests can stand under a field: there a bracket is read as an interval."""
        cells = [
            (name, self._cell(test, dollar=True))
            for condition, _ in step.rows
            for name, test in row_tests(condition).items()
        ]
        return set(step.table.inputs) - {name for name, cell in cells if "(" in cell}

    def _cell(self, test: Node, *, dollar: bool) -> str:
        """A test on one column, whose known value is ``$`` or goes by its name."""
        self.say.column = dollar
        written = self.write.true(test)
        self.say.column = False
        return written

    def _constant(self, value: float | str | bool) -> str:  # noqa: FBT001 - the value of a cell
        if isinstance(value, bool):
            return YES if value else NO
        return self.say.text(value) if isinstance(value, str) else self.say.number(Decimal(repr(value)))

    def _outputs(self, step: TableStep, path: str) -> None:
        table, say = step.table, self.say
        match table.hit:
            case "first":
                gap, none = f"{path}.gap == true", f"({path} == null or {path}.row == null)"
                several, source = NO, path
                blamed_by = path
            case _:
                gap, none = f"some({path}, #.gap)", f"len({path}) == 0"
                several = f"len({path}) > 1" if table.hit == "unique" else NO
                source = f"{path}[0]"
                blamed_by = f"filter({path}, #.gap)[0]"
        fault = (
            f"({none} ? 'TABLE_NO_ROW' : ({gap} ? 'TABLE_MISSING' : ({several} ? 'TABLE_SEVERAL_ROWS' : '')))"
        )
        key = f"f{self.policy.steps.index(step)}"
        self._make(key, fault)
        key = f"$.{key}"
        for out in table.outputs:
            column = f"v{say.place[out]}"
            value = f"{source}.{column}" if table.hit != "collect-max" else f"max(map({path}, #.{column}))"
            self._make(column, f"{key} == '' ? {value} : null")
        if self.caused.isdisjoint(table.outputs):
            return
        blamed = self._table_blame(step, key, blamed_by)
        for out in table.outputs:
            for atom, test in blamed.items():
                self._make(f"c{say.place[out]}_{say.place[atom or out]}", test)

    def _table_blame(self, step: TableStep, key: str, source: str) -> dict[str, str]:
        say = self.say
        found: dict[str, list[str]] = {"": [f"({key} == 'TABLE_NO_ROW' or {key} == 'TABLE_SEVERAL_ROWS')"]}
        for j, name in enumerate(step.table.inputs):
            for atom, test in self.write.blames(Name(1, name)).items():
                mark = f"{source}.m{j} == true"
                found.setdefault(atom, []).append(say.every([f"{key} == 'TABLE_MISSING'", mark, test]))
        return {atom: say.some(tests) for atom, tests in found.items()}

    # the end ----------------------------------------------------------------------------------

    def _checks(self) -> None:
        """Inputs, tables and rules, each a row that gives its code and severity."""
        rows = [*(self._input_rows() if self.told else ()), *self._fault_rows(), *self._rule_rows()]
        self.outs = ["code", "effect"]
        self._grid("checks", "hits", "collect", [""], rows)

    def _input_rows(self) -> Iterator[list[str]]:
        for name, item in self.policy.file.inputs.items():
            gone = self.say.no(self.say.known(self.say.name(name)))
            effect = self.write.effect(item.if_missing, {name: gone})
            code = f"MISSING_{item.source.split('.', 1)[1].upper()}"
            yield [gone, self.say.text(code), effect]

    def _fault_rows(self) -> Iterator[list[str]]:
        for i, step in enumerate(self.policy.steps):
            if isinstance(step, TableStep):
                out = next(iter(step.table.outputs))
                blamed = (
                    {
                        atom: f"c{self.say.place[out]}_{self.say.place[atom]} == true"
                        for atom in self.write.atoms(out)
                    }
                    if out in self.caused
                    else {}
                )
                yield [f"f{i} != ''", f"f{i}", self.write.effect(step.table.if_missing, blamed)]

    def _rule_rows(self) -> Iterator[list[str]]:
        for step in self.policy.rules:
            rule = step.rule
            yield [self.write.true(step.tree), self.say.text(rule.code), str(SEVERITY[rule.then])]
            if not self.told:
                continue
            uniform = len(set(rule.if_missing.values())) == 1
            effect = self.write.effect(rule.if_missing, {} if uniform else self.write.blames(step.tree))
            yield [self.write.unknown(step.tree), self.say.text(f"UNKNOWN_{rule.id.upper()}"), effect]

    def _ends(self) -> None:
        say, limit, price = self.say, self.policy.file.limit, self.policy.file.price
        for key, tree in (("raw_limit", self.policy.limit), ("raw_rate", self.policy.price)):
            self._make(key, say.choose(self.write.known(tree), self.write.value(tree), "null"))
        low = say.greatest([say.least(["$.raw_limit", say.number(limit.max)]), "0"])
        high = say.least([say.greatest(["$.raw_rate", say.number(price.min)]), say.number(price.max)])
        whole = say.rounded(low, say.number(limit.step), "down")
        rate = say.rounded(high, say.number(price.step), price.rounding)
        self._make("limit", f"$.raw_limit == null ? null : {whole}")
        self._make("rate", f"$.raw_rate == null ? null : {rate}")
        below = f"$.limit != null and $.limit < {say.number(limit.min)} and not some(hits, #.effect == 2)"
        above = f"$.raw_rate != null and $.raw_rate > {say.number(price.max)}"
        said = [
            ("$.limit == null", "UNKNOWN_LIMIT", limit.if_missing),
            (below, "LIMIT_BELOW_MIN", limit.below_min),
            ("$.rate == null", "UNKNOWN_PRICE", price.if_missing),
            (above if price.above_max != "cap" else NO, "PRICE_ABOVE_MAX", price.above_max),
        ]
        ends = [
            f'({test} ? {{code: "{code}", effect: {SEVERITY[effect]}}} : null)'
            for test, code, effect in said
            if test != NO
        ]
        self._make("last", f"filter([{', '.join(ends)}], # != null)")
        worst = [f"len({part}) > 0 ? max(map({part}, #.effect)) : 0" for part in ("hits", "$.last")]
        self._make("severity", f"max([0, {', '.join(worst)}])")
        self._flush("outcome")


def context(policy: Policy, inputs: Inputs, *, exact: bool) -> Json:
    """A case as the graph reads it."""
    found: Json = {}
    for i, name in enumerate(policy.file.inputs):
        value = inputs.values[name]
        found[f"v{i}"] = _plain(value, policy.kinds[name].base, exact=exact)
        if value is None:
            found[f"w{i}"] = inputs.reasons[name]
    return found


def _plain(value: object, base: str, *, exact: bool) -> object:
    if base == "date" and isinstance(value, str):
        value = Decimal(value.replace("-", ""))
    if value is None or isinstance(value, str | bool):
        return value
    value = value if isinstance(value, Decimal) else Decimal(repr(value))
    if value and abs(value) < LEAST:
        value = LEAST.copy_sign(value)
    return format(value, "f") if exact else float(value)


def codes(result: Json) -> list[str]:
    """The reason codes of a result, sorted, each with what it leads to; what is ignored left out."""
    words = {1: "refer", 2: "reject"}
    found = [*result["hits"], *result["last"]]
    return sorted(f"{hit['code']} {words[int(hit['effect'])]}" for hit in found if hit["effect"])


OUTCOMES = ("approve", "refer", "reject")


class ZenPolicy:
    """A policy loaded into zen once (static loader)."""

    def __init__(self, policy: Policy, *, exact: bool = True, told: bool = True) -> None:
        self.policy = policy
        self.exact = exact
        content = {"policy": Graph(policy, exact=exact, told=told).content()}
        self.engine = zen.ZenEngine({"loader": {"type": "static", "content": content}})

    def evaluate(self, case: Json, *, trace: bool = False) -> Json:
        """zen's own answer to a case as ``context`` makes it."""
        answer: Json = self.engine.evaluate("policy", case, {"trace": trace})  # type: ignore[assignment] # a plain dict
        return answer

    def decide(self, inputs: Inputs) -> str:
        """The decision as ``tests.peers.cases.line_of`` writes it."""
        result = self.evaluate(context(self.policy, inputs, exact=self.exact))["result"]
        severity = int(result["severity"])
        ends = [None if severity else Decimal(repr(result[end])) for end in ("limit", "rate")]
        return line_of(OUTCOMES[severity], ends[0], ends[1], codes(result))
