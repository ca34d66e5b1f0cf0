"""Subjects scored in a batch by jointly boosted trees that stay in parts (``modelling.trees``).

Rows are aligned first. Each holder sends, for each common row and each of its cuts in the model, on which
side the row is; the bank, which has the trees, reads its leaves. A holder does not learn which of its cuts
lie on a row's way, nor any leaf; the bank learns the sides of all cuts, a bit a cut and row.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.special import expit

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import aligned
from xinqiao.privacy.job.kind import Job, Kind, Protocol, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Hex32, Manifest
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.modelling.label_features import data_holders, joined_plain
from xinqiao.privacy.modelling.tree_growth import Flags
from xinqiao.privacy.modelling.tree_part import TreePart, load_tree_part, log_odds


class ScoreParams(BaseModel):
    """``model``: the digest of the manifest that the trees were grown under."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Hex32


def params_of(manifest: Manifest) -> ScoreParams:
    """The parameters. Raises UserError PRV-MANIFEST."""
    try:
        return ScoreParams.model_validate(manifest.params)
    except ValidationError as error:
        return fail("PRV-MANIFEST", str(manifest.job), detail=error.errors(include_url=False)[0]["msg"])


def check(manifest: Manifest) -> None:
    """See Kind."""
    params_of(manifest)


def run(job: Job, link: Link) -> Result:
    """See Kind. Raises UserError PRV-MODEL-PART where this party has no part of the model."""
    part = load_tree_part(job.state, params_of(job.manifest).model, job.me.name)
    _fitting(job.manifest, part)
    table, bank = aligned(job, link, data_holders(job.manifest)), job.manifest.only("bank").name
    sides = part.sides(table)
    if job.me.role == "holder":
        payload = pack({"cuts": len(sides), "sides": np.packbits(sides)})
        link.send(bank, "score.sides", payload)
        return Result({"rows": table.num_rows})
    told = {bank: sides}
    for party in job.manifest.having("holder"):
        told[party.name] = _received(link, party.name, part, table.num_rows)
    return _result(table, part, told)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """See Kind; each party's part of the model stands in its table's metadata as ``tree_part``."""
    parts = {
        name: TreePart.model_validate_json(table.schema.metadata[b"tree_part"])
        for name, table in tables.items()
    }
    rows, bank = joined_plain(manifest, tables), manifest.only("bank").name
    sides = {name: part.sides(rows[name]) for name, part in parts.items()}
    told = {party.name: Result({"rows": rows[bank].num_rows}) for party in manifest.having("holder")}
    return told | {bank: _result(rows[bank], parts[bank], sides)}


def _fitting(manifest: Manifest, part: TreePart) -> None:
    """Raises UserError PRV-MANIFEST unless the job has the model's parties and this party its columns."""
    own = manifest.party(part.party).input
    absent = {variable.name for variable in part.variables} - set(own.columns if own else ())
    if set(part.parties) != set(data_holders(manifest)) or absent:
        detail = ", ".join(sorted(absent)) or ", ".join(part.parties)
        fail("PRV-MANIFEST", str(manifest.job), detail=f"{part.party}: {detail}")


def _received(link: Link, name: str, part: TreePart, rows: int) -> Flags:
    """A holder's sides, (cuts, rows). Raises UserError PRV-MESSAGE where they can't be those of the model."""
    told = unpack(link.receive(name, "score.sides"), name, cuts=int, sides=np.ndarray)
    numbers = [node.number for tree in part.trees for node in tree if node.party == name]
    cuts, sides = told["cuts"], told["sides"]
    size = cuts * rows
    if cuts != len(numbers) or sides.dtype != np.uint8 or sides.shape != (-(-size // 8),):
        fail("PRV-MESSAGE", name, detail=f"{cuts} cuts")
    return np.unpackbits(sides, count=size).astype(np.bool_).reshape(cuts, rows)


def _result(table: pa.Table, part: TreePart, sides: Mapping[str, Flags]) -> Result:
    """Keys with log odds and chance of bad, by key."""
    odds = log_odds(part.trees, part.base, sides, table.num_rows)
    scored = pa.table({table.column_names[0]: table.column(0), "log_odds": odds, "pd": expit(odds)})
    return Result({"rows": table.num_rows}, scored.sort_by(table.column_names[0]))


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """See Kind."""
    common = Text(
        zh="各方共有的标识，以及其他各方的行数", en="the common ids, and the numbers of rows of the others"
    )
    sides = Text(
        zh="每个共有主体的坏账概率，以及其在对方每个切分的哪一侧（每切分一位，不知阈值）",
        en="each common subject's chance of bad, and on which side of each of the others' cuts it is (a bit"
        " a cut, thresholds unknown)",
    )
    told: dict[str, tuple[Text, ...]] = {party.name: (common,) for party in manifest.having("holder")}
    return told | {manifest.only("bank").name: (common, sides)}


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
            adversary=Text(
                zh="半诚实：各方按协议执行但好奇",
                en="semi-honest: parties follow the protocol and are curious",
            ),
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
