"""Subjects scored in a batch by jointly boosted trees that stay in parts (``modelling.trees``).

Rows are aligned first. Each holder sends, for each common row and each of its cuts in the model, on which
side the row is; the bank, which has the trees, reads its leaves. A holder does not learn which of its cuts
lie on a row's way, nor any leaf; the bank learns the sides of all cuts, a bit a cut and row.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from pydantic import BaseModel, ConfigDict
from scipy.special import expit

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import ALIGNED, aligned, check_keys, joined
from xinqiao.privacy.job.kind import SEMI_HONEST, Job, Kind, Protocol, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Hex32, Manifest, parameters
from xinqiao.privacy.modelling.parties import columns_of, members
from xinqiao.privacy.modelling.tree_growth import Flags
from xinqiao.privacy.modelling.tree_link import packed_sides, sides_in
from xinqiao.privacy.modelling.tree_part import TreePart, log_odds


class ScoreParams(BaseModel):
    """``model``: the digest of the manifest that the trees were grown under."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Hex32


def params_of(manifest: Manifest) -> ScoreParams:
    """The parameters. Raises UserError PRV-MANIFEST."""
    return parameters(ScoreParams, manifest)


def check(manifest: Manifest) -> None:
    """See Kind."""
    params_of(manifest)
    check_keys(manifest, members(manifest))


def run(job: Job, link: Link) -> Result:
    """See Kind. Raises UserError PRV-MODEL-PART where this party has no part of the model."""
    part = TreePart.load(job.state, params_of(job.manifest).model, job.me.name)
    _fitting(job.manifest, part)
    table, (bank, *others) = aligned(job, link, members(job.manifest)), members(job.manifest)
    sides = part.sides(table)
    if job.me.role == "holder":
        link.send(bank, "score.sides", packed_sides(sides))
        return Result({"rows": table.num_rows})
    told = {name: _received(link, name, part, table.num_rows) for name in others}
    return _result(table, part, told | {bank: sides})


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """See Kind; each party's part of the model stands in its table's metadata as ``tree_part``."""
    parts = {
        name: TreePart.model_validate_json(table.schema.metadata[b"tree_part"])
        for name, table in tables.items()
    }
    rows, (bank, *others) = joined(tables), members(manifest)
    sides = {name: part.sides(rows[name]) for name, part in parts.items()}
    told = {name: Result({"rows": rows[bank].num_rows}) for name in others}
    return told | {bank: _result(rows[bank], parts[bank], sides)}


def _fitting(manifest: Manifest, part: TreePart) -> None:
    """Raises UserError PRV-MANIFEST unless the job has the model's parties and this party its columns."""
    absent = {variable.name for variable in part.variables} - set(columns_of(manifest.party(part.party)))
    if set(part.parties) != set(members(manifest)) or absent:
        detail = ", ".join(sorted(absent)) or ", ".join(part.parties)
        fail("PRV-MANIFEST", str(manifest.job), detail=f"{part.party}: {detail}")


def _received(link: Link, name: str, part: TreePart, rows: int) -> Flags:
    """A holder's sides, (cuts, rows). Raises UserError PRV-MESSAGE where they can't be those of the model."""
    cuts = sum(node.party == name for tree in part.trees for node in tree)
    return sides_in(link.receive(name, "score.sides"), name, cuts * rows).reshape(cuts, rows)


def _result(table: pa.Table, part: TreePart, sides: Mapping[str, Flags]) -> Result:
    """Keys with log odds and chance of bad, by key."""
    odds = log_odds(part.trees, part.base, sides, table.num_rows)
    scored = pa.table({table.column_names[0]: table.column(0), "log_odds": odds, "pd": expit(odds)})
    return Result({"rows": table.num_rows}, scored.sort_by(table.column_names[0]))


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """See Kind."""
    told: dict[str, tuple[Text, ...]] = dict.fromkeys(members(manifest), (ALIGNED,))
    return told | {manifest.only("bank").name: (ALIGNED, SIDES)}


SIDES = Text(
    zh="每个共有主体的坏账概率，以及其在对方每个切分的哪一侧（每切分一位，不知阈值）",
    en="each common subject's chance of bad, and on which side of each of the others' cuts it is (a bit"
    " a cut, thresholds unknown)",
)
KIND = Kind(
    name="tree_score",
    version=1,
    title=Text(zh="联合提升树批量评分", en="Scores by joint trees, in a batch"),
    roles=(
        Role("bank", Text(zh="银行（有树与叶值）", en="bank with the trees")),
        Role("holder", Text(zh="数据提供方（有切分）", en="holder of cuts"), at_least=1, at_most=8),
    ),
    protocols=(
        Protocol(
            name="sides",
            paper="Cheng et al., SecureBoost, IEEE Intelligent Systems 36(6), 2021",
            adversary=SEMI_HONEST,
            collusion=Text(
                zh="无第三方；任意多个提供方合谋也不知叶值",
                en="no third party; holders learn no leaf however many collude",
            ),
            cost=Text(zh="对齐，加每行每切分一位", en="the alignment, and a bit a row and cut"),
        ),
    ),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
