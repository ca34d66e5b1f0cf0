"""The docs' privacy page: each kind's rows come from the registry, and every kind has its place."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from tests.privacy.agreeing import identity, peers
from tests.privacy.samples import samples
from xinqiao.kernel.text import Text
from xinqiao.privacy.agreement.draft import manifest_of, read_draft
from xinqiao.privacy.agreement.rules import Ask, Policy, Rule, decide
from xinqiao.privacy.agreement.source_data import Source
from xinqiao.privacy.job.kind import Kind, kind_of, kinds

PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
MARKED = re.compile(r"(<!-- kinds:.*?-->\n)(.*)(<!-- /kinds -->)", re.DOTALL)


def cell(text: Text | str) -> str:
    """A cell of a table, both languages."""
    words = text if isinstance(text, str) else f"{text.zh}<br>{text.en}"
    return words.replace("|", "\\|").replace("\n", " ")


def section(kind: Kind) -> str:
    """What the page says of one kind."""
    manifest = samples()[kind.name].manifest
    lines = [f"### {kind.title.zh} {kind.title.en} `{kind.name}`", ""]
    lines += [
        "| 协议 protocol | 出处 source | 对手 adversary | 合谋 collusion | 代价 cost |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{p.name}` | {cell(p.paper)} | {cell(p.adversary)} | {cell(p.collusion)} | {cell(p.cost)} |"
        for p in kind.protocols
    ]
    lines += ["", "| 参与方 party | 谁会知道什么 learns |", "|---|---|"]
    roles = {role.name: role.title for role in kind.roles}
    for name, learnt in kind.learns(manifest).items():
        role = roles[manifest.party(name).role]
        lines.append(f"| `{name}` {role.zh} {role.en} | {'<br>'.join(cell(one) for one in learnt)} |")
    return "\n".join([*lines, ""])


def test_the_page_says_what_the_registry_says() -> None:
    told = "\n".join(section(kind) for kind in kinds().values())
    text = PAGE.read_text("utf-8")
    found = MARKED.search(text)
    assert found is not None
    if os.environ.get("XINQIAO_WRITE"):
        PAGE.write_text(f"{text[: found.start(2)]}\n{told}\n{text[found.end(2) :]}", "utf-8")
        return
    assert found[2].strip() == told.strip(), "run again with XINQIAO_WRITE=1"


def test_every_party_of_a_job_is_told_about_and_every_sample_fits_its_kind() -> None:
    for name, kind in kinds().items():
        manifest = samples()[name].manifest
        assert kind_of(manifest) is kind
        assert set(kind.learns(manifest)) == set(manifest.names), name
        assert kind.protocols, name


def test_the_example_of_a_job_keeps_within_the_example_of_a_rule() -> None:
    """Whoever copies both from the page gets a job that waits for a person."""
    config, draft, _ = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    told, parties = tomllib.loads(config), ("bank", "power", "tax")
    rules = tuple(Rule.model_validate(one) for one in told["rules"])
    sources = {one["name"]: Source.model_validate(one) for one in told["sources"]}
    policy = Policy(peers(parties, "power"), rules, sources)
    bank = Policy(peers(parties, "bank"))
    manifest = manifest_of(read_draft(draft, "docs"), identity("bank"), bank, "docs")
    assert decide(manifest, manifest.party("power"), policy) == Ask(rules[0])
