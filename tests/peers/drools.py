"""A policy as Drools rules, in the executable model (the Java that DRL is turned into), and its run.

The drools-jpy wheel holds Drools with the executable model but no DRL compiler, so the rules are
written as that Java and compiled with javac. Numbers are BigDecimal with 34 digits. Every rule and
table row of the policy is a Drools rule on the fact ``Case``; a rule of low salience closes a stage
and works out what later stages read.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from tests.peers.drools_words import Java
from tests.peers.formula import NO, SEVERITY, YES, Formula, caused, made_by, row_tests
from xinqiao.kernel.expression import Name, names
from xinqiao.policy.case import Inputs
from xinqiao.policy.compiled import DeriveStep, Policy, RuleStep, TableStep, needs

HARNESS = Path(__file__).with_name("Harness.java")
JAVA_TYPES = {
    "number": "BigDecimal",
    "date": "BigDecimal",
    "bool": "Boolean",
    "text": "String",
    "grade": "String",
}


class Rules:
    """The Java source of a policy's rules."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.say = Java(policy)
        self.write = Formula(policy, self.say)
        self.caused = caused(policy)
        self.level = self._levels()
        self.last = max([self.level[id(s)] for s in policy.steps if isinstance(s, TableStep)], default=-1) + 1

    def source(self) -> str:
        """The class ``Policy`` that the harness runs."""
        rules = [*self._input_rules(), *self._table_rules(), *self._policy_rules(), *self._stage_rules()]
        body = "\n".join([*self._stages(), self._end(), *self._fill(), self._show()])
        model = "\n".join(
            f"  static void rule{i}(ModelImpl m, Variable<Case> f) {{ {rule} }}"
            for i, rule in enumerate(rules)
        )
        calls = "\n".join(f"    rule{i}(m, f);" for i in range(len(rules)))
        grades = ", ".join(self.say.text(grade) for grade in self.policy.file.grades)
        constants = "\n".join(
            f'  static final BigDecimal {k} = new BigDecimal("{v}");' for v, k in self.say.constants.items()
        )
        return _SOURCE.format(
            fields=self._fields(), grades=grades, constants=constants, body=body, model=model, calls=calls
        )

    # shape ------------------------------------------------------------------------------------

    def _levels(self) -> dict[int, int]:
        """Step -> the stage whose values it reads; a table's outputs belong to the stage after it."""
        of_name = dict.fromkeys(self.policy.file.inputs, 0)
        found: dict[int, int] = {}
        for step in self.policy.steps:
            found[id(step)] = level = max((of_name[name] for name in needs(step)), default=0)
            of_name.update(dict.fromkeys(made_by(step), level + isinstance(step, TableStep)))
        self.of_name = of_name
        return found

    def _stage(self, used: Iterable[str]) -> int:
        return max((self.of_name[name] for name in used), default=0)

    def _fields(self) -> str:
        lines = []
        for name, i in self.say.place.items():
            lines.append(f"    public {JAVA_TYPES[self.policy.kinds[name].base]} v{i};")
            if name in self.policy.file.inputs:
                lines.append(f"    public String w{i};")
            if name in self.caused:
                lines += [
                    f"    public boolean c{i}_{self.say.place[atom]};" for atom in self.write.atoms(name)
                ]
        tables = [i for i, step in enumerate(self.policy.steps) if isinstance(step, TableStep)]
        lines += [f'    public final Hits t{i} = new Hits(); public String f{i} = "";' for i in tables]
        return "\n".join(lines)

    # rules ------------------------------------------------------------------------------------

    def _rule(self, name: str, stage: int, condition: str, action: str) -> str:
        stage_test = f'expr("stage{stage}", q -> q.stage == {stage})'
        test = "" if condition == YES else f".expr({self.say.text(name)}, q -> {condition})"
        return (
            f"m.addRule(rule({self.say.text(name)}).build(pattern(f).{stage_test}{test}, "
            f"on(f).execute(q -> {action})));"
        )

    def _input_rules(self) -> Iterator[str]:
        for name, item in self.policy.file.inputs.items():
            gone = self.say.no(self.say.known(self.say.name(name)))
            code = self.say.text(f"MISSING_{item.source.split('.', 1)[1].upper()}")
            effect = self.write.effect(item.if_missing, {name: gone})
            yield self._rule(f"input {self.say.place[name]}", 0, gone, f"q.hit({code}, {effect})")

    def _table_rules(self) -> Iterator[str]:
        for i, step in enumerate(self.policy.steps):
            if isinstance(step, TableStep):
                stage = self.level[id(step)]
                for j, (condition, _) in enumerate(step.rows):
                    name = f"{step.table.id} row {j + 1}"
                    yield self._rule(name, stage, self.write.true(condition), f"q.t{i}.add({j}, false)")
                    if row_tests(condition):
                        gap = self.write.unknown(condition)
                        yield self._rule(f"{name} open", stage, gap, f"q.t{i}.add({j}, true)")

    def _policy_rules(self) -> Iterator[str]:
        for step in self.policy.rules:
            rule, stage = step.rule, self._stage(names(step.tree))
            action = f"q.hit({self.say.text(rule.code)}, {SEVERITY[rule.then]})"
            yield self._rule(rule.id, stage, self.write.true(step.tree), action)
            code = self.say.text(f"UNKNOWN_{rule.id.upper()}")
            action = f"q.hit({code}, {self._effect(step)})"
            yield self._rule(f"{rule.id} open", stage, self.write.unknown(step.tree), action)

    def _effect(self, step: RuleStep) -> str:
        if_missing = step.rule.if_missing
        return self.write.effect(
            if_missing, self.write.blames(step.tree) if len(set(if_missing.values())) > 1 else {}
        )

    def _stage_rules(self) -> Iterator[str]:
        for k in range(self.last):
            yield (
                f'm.addRule(rule("end of stage {k}").attribute(Rule.Attribute.SALIENCE, -1).build('
                f'pattern(f).expr("stage{k}", q -> q.stage == {k}), '
                f"on(f).execute((drools, q) -> {{ stage{k + 1}(q); q.stage = {k + 1}; "
                "((org.drools.model.Drools) drools).update(q); }})));"
            ).replace("}})));", "})));")

    # stages -----------------------------------------------------------------------------------

    def _stages(self) -> Iterator[str]:
        """What is worked out when a stage begins: tables of the stage before, then derived values."""
        for k in range(self.last + 1):
            lines: list[str] = []
            for i, step in enumerate(self.policy.steps):
                if isinstance(step, TableStep) and self.level[id(step)] == k - 1:
                    lines += self._table(i, step)
                elif isinstance(step, DeriveStep) and self.level[id(step)] == k:
                    lines += self._derive(step)
            yield (
                f"  static void stage{k}(Case q) {{\n" + "\n".join(f"    {line}" for line in lines) + "\n  }"
            )

    def _derive(self, step: DeriveStep) -> Iterator[str]:
        target = self.say.name(step.name)
        if self.policy.kinds[step.name].base == "bool":
            yield f"if ({self.write.true(step.tree)}) {target} = true;"
            yield f"if ({self.write.false(step.tree)}) {target} = false;"
        else:
            yield f"if ({self.write.known(step.tree)}) {target} = {self.write.value(step.tree)};"
        if step.name in self.caused:
            for atom, test in self.write.blames(step.tree).items():
                yield f"{self.say.cause(step.name, atom or step.name)} = {test};"

    def _table(self, i: int, step: TableStep) -> Iterator[str]:
        table = step.table
        yield f'q.f{i} = q.t{i}.fault("{table.hit}");'
        yield f"if (q.f{i}.isEmpty()) {{"
        for j, out in enumerate(table.outputs):
            base = self.policy.kinds[out].base
            values = ", ".join(self._constant(outs[j].value, base) for _, outs in step.rows)
            if table.hit == "collect-max":
                yield f"  {self.say.name(out)} = greatest(q.t{i}, new BigDecimal[]{{{values}}});"
            else:
                yield f"  {self.say.name(out)} = new {JAVA_TYPES[base]}[]{{{values}}}[q.t{i}.first()];"
        blamed = self._table_blame(i, step)
        effect = self.write.effect(table.if_missing, blamed)
        yield f"}} else {{ q.hit(q.f{i}, {effect}); }}"
        for out in table.outputs:
            if out in self.caused:
                yield from (f"{self.say.cause(out, atom or out)} = {test};" for atom, test in blamed.items())

    def _table_blame(self, i: int, step: TableStep) -> Mapping[str, str]:
        found: dict[str, list[str]] = {
            "": [f'(q.f{i}.equals("TABLE_NO_ROW") || q.f{i}.equals("TABLE_SEVERAL_ROWS"))']
        }
        if self.caused.isdisjoint(step.table.outputs):
            return {}
        for name in step.table.inputs:
            rows = ", ".join(YES if name in row_tests(condition) else NO for condition, _ in step.rows)
            mark = f'q.f{i}.equals("TABLE_MISSING") && new boolean[]{{{rows}}}[q.t{i}.gap]'
            for atom, test in self.write.blames(Name(1, name)).items():
                found.setdefault(atom, []).append(self.say.every([mark, test]))
        return {atom: self.say.some(tests) for atom, tests in found.items()}

    def _constant(self, value: float | str | bool, base: str) -> str:  # noqa: FBT001 - the value of a cell
        if isinstance(value, bool):
            return YES if value else NO
        if isinstance(value, str) and base != "date":
            return self.say.text(value)
        return self.say.number(Decimal(str(value).replace("-", "") if base == "date" else repr(value)))

    # the end ----------------------------------------------------------------------------------

    def _end(self) -> str:
        limit, price, say = self.policy.file.limit, self.policy.file.price, self.say
        low = f"{say.least(['raw', say.number(limit.max)])}.max(BigDecimal.ZERO)"
        high = f"raw.max({say.number(price.min)}).min({say.number(price.max)})"
        parts = (
            ("limit", self.policy.limit, say.rounded(low, say.number(limit.step), "down"), limit.if_missing),
            (
                "rate",
                self.policy.price,
                say.rounded(high, say.number(price.step), price.rounding),
                price.if_missing,
            ),
        )
        below = f"q.limit.compareTo({say.number(limit.min)}) < 0 && !rejected"
        above = NO if price.above_max == "cap" else f"raw.compareTo({say.number(price.max)}) > 0"
        said = (
            f'if ({below}) q.hit("LIMIT_BELOW_MIN", {SEVERITY[limit.below_min]});',
            f'if ({above}) q.hit("PRICE_ABOVE_MAX", {SEVERITY.get(price.above_max, 0)});',
        )
        lines = ["static void end(Case q) {", "  boolean rejected = q.severity() == 2; BigDecimal raw;"]
        for (field, tree, value, if_missing), adverse in zip(parts, said, strict=True):
            code = "UNKNOWN_LIMIT" if field == "limit" else "UNKNOWN_PRICE"
            lines += [
                f"  if ({self.write.known(tree)}) {{ raw = {self.write.value(tree)};",
                f"    q.{field} = {value}; {adverse}",
                f'  }} else q.hit("{code}", {SEVERITY[if_missing]});',
            ]
        return "\n".join(f"  {line}" for line in [*lines, "}"])

    def _fill(self) -> Iterator[str]:
        """Reading a line: two fields an input, the value and the reason of a missing one."""
        made = {"BigDecimal": "new BigDecimal({})", "Boolean": "Boolean.valueOf({})", "String": "{}"}
        yield "  static Case read(String line) {"
        yield '    String[] p = line.split("\\t", -1); Case q = new Case();'
        for i, name in enumerate(self.policy.file.inputs):
            value = made[JAVA_TYPES[self.policy.kinds[name].base]].format(f"p[{2 * i}]")
            yield f"    if (p[{2 * i + 1}].isEmpty()) q.v{i} = {value}; else q.w{i} = p[{2 * i + 1}];"
        yield "    return q;\n  }"

    def _show(self) -> str:
        """All values of a case as JSON, for the trace."""
        shown = " ".join(f'b.append(",\\"v{i}\\":"); put(b, q.v{i});' for i in self.say.place.values())
        return f"  static void show(StringBuilder b, Case q) {{ {shown} }}"


_SOURCE = """\
package peer;

import static org.drools.model.DSL.*;
import static org.drools.model.PatternDSL.*;
import static peer.Harness.*;

import java.math.BigDecimal;
import java.math.RoundingMode;
import org.drools.model.*;
import org.drools.model.impl.ModelImpl;

public class Policy {{
  public static class Case extends Fact {{
{fields}
  }}
  static final String[] GRADES = {{ {grades} }};
  static int rank(String grade) {{ return java.util.Arrays.asList(GRADES).indexOf(grade); }}
{constants}
{body}
{model}
  static Model model() {{
    ModelImpl m = new ModelImpl();
    Variable<Case> f = declarationOf(Case.class);
{calls}
    return m;
  }}
}}
"""


def line_of(policy: Policy, inputs: Inputs) -> str:
    """A case as ``Policy.read`` takes it."""
    parts: list[str] = []
    for name in policy.file.inputs:
        value = inputs.values[name]
        parts += ["", inputs.reasons[name]] if value is None else [_plain(value, policy.kinds[name].base), ""]
    return "\t".join(parts)


def _plain(value: object, base: str) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    return value.replace("-", "") if base == "date" and isinstance(value, str) else str(value)


class Drools:
    """The rules of a policy, compiled into ``folder``, run in a Java process."""

    def __init__(self, policy: Policy, folder: Path) -> None:
        self.policy = policy
        self.folder = folder

    @cached_property
    def classes(self) -> str:
        """The class path, made once."""
        spec = find_spec("drools")
        assert spec is not None
        assert spec.origin is not None
        jars = os.pathsep.join(map(str, sorted((Path(spec.origin).parent / "jars").glob("*.jar"))))
        source = self.folder / "Policy.java"
        source.write_text(Rules(self.policy).source(), "utf-8")
        made = self.folder / "classes"
        command = ["javac", "-encoding", "UTF-8", "-cp", jars, "-d", str(made), str(source), str(HARNESS)]
        subprocess.run(command, check=True)
        return os.pathsep.join([jars, str(made)])

    def decide(self, cases: Iterable[Inputs], *modes: str) -> list[str]:
        """One line a case: outcome, limit, rate and the codes, by tabs. ``modes`` as Harness takes them."""
        text = "".join(line_of(self.policy, inputs) + "\n" for inputs in cases)
        command = [
            "java",
            "-Dfile.encoding=UTF-8",
            "-XX:+UseSerialGC",
            "-Xmx1g",
            "-cp",
            self.classes,
            "peer.Harness",
            *modes,
        ]
        done = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True)
        return done.stdout.decode().splitlines()
