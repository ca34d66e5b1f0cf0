"""The kind ``scorecard``: a logistic scorecard on the columns of a bank and of holders, left in parts.

Each variable's bins get points; a party learns the points of its own variables and keeps them in its
node (``privacy.model_part``). The bank also learns the base points and how well the joint score ranks
rows it was not fitted on, against the bank's own columns alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from xinqiao.kernel.text import Text
from xinqiao.privacy import joint_training
from xinqiao.privacy.joint_logistic import THETA_BITS, fit_plain
from xinqiao.privacy.joint_training import Trained, members, pooled, settings, train, train_dealer
from xinqiao.privacy.kind import Job, Kind, Protocol, Result, Role
from xinqiao.privacy.lift import Lift
from xinqiao.privacy.link import Link
from xinqiao.privacy.manifest import Manifest
from xinqiao.privacy.model_part import ModelPart
from xinqiao.privacy.sharing import decode
from xinqiao.scoring.card import Card
from xinqiao.scoring.columns import Floats


def run(job: Job, link: Link) -> Result:
    """See ``Kind``. Raises UserError PRV-MODEL-LABEL, PRV-MODEL-FEW, PRV-MODEL-COLUMNS."""
    fits = settings(job.manifest).folds + 1
    if job.me.role == "dealer":
        _, plan = train_dealer(job, link, fits)
        return Result({"rows": plan.rows})
    trained = train(job, link, fits)
    coefficients = _own_coefficients(trained)
    rows = trained.rows
    part = _part(job.manifest, job.me.name, len(rows.fold), _card(trained.rows, coefficients))
    part.save(job.state)
    return _result(part, rows.bad, trained.lift)


def _own_coefficients(trained: Trained) -> Floats:
    """Each member's part of the last fit, told to that member alone."""
    parts = trained.plan.parts(trained.shared.theta[:, -1:])
    mine: Floats = np.empty(0)
    for (name, _), share in zip(trained.plan.widths, parts, strict=True):
        whole = trained.member.told(name, share)
        if whole is not None:
            mine = decode(whole, THETA_BITS)[:, 0]
    return mine


def _card(rows: joint_training.Rows, coefficients: Floats) -> Card:
    if rows.bad is None:
        return rows.block.card(coefficients)
    return rows.block.card(coefficients[1:], float(coefficients[0]))


def _part(manifest: Manifest, name: str, rows: int, card: Card) -> ModelPart:
    return ModelPart(model=manifest.digest, party=name, parties=members(manifest), rows=rows, card=card)


def _result(part: ModelPart, bad: Floats | None, lift: Lift | None) -> Result:
    points = {v.name: [[b.label.zh, b.label.en, b.points] for b in v.bins] for v in part.card.variables}
    told: dict[str, object] = {"model": part.model, "rows": part.rows, "points": points}
    if bad is not None and lift is not None:
        told |= {"bads": int(bad.sum()), "base_points": part.card.base_points, **lift.told()}
    return Result(told)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """See ``Kind``; points and measures are near the protocol's, not equal to the last digit."""
    found = pooled(manifest, tables)
    theta = fit_plain(found.matrix, found.bad, np.ones(len(found.bad)))
    results, start = {}, 0
    for name, rows in found.rows.items():
        width = rows.matrix.shape[1]
        part = _part(manifest, name, len(found.bad), _card(rows, theta[start : start + width]))
        results[name] = _result(part, rows.bad, found.lift if rows.bad is not None else None)
        start += width
    return results | {party.name: Result({"rows": len(found.bad)}) for party in manifest.having("dealer")}


def check(manifest: Manifest) -> None:
    """See ``Kind``."""
    settings(manifest)
    manifest.only("dealer")


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """See ``Kind``."""
    told: dict[str, tuple[Text, ...]] = dict.fromkeys(members(manifest), (COMMON, WIDTHS, OWN_POINTS))
    bank = manifest.only("bank").name
    told[bank] = (COMMON, WIDTHS, OWN_POINTS, MEASURES)
    return told | {party.name: (DEALER,) for party in manifest.having("dealer")}


COMMON = Text(
    zh="各方共有的主体有哪些（及各方行数）",
    en="which subjects all parties have in common (and each party's number of rows)",
)
WIDTHS = Text(
    zh="各方入模的独立分箱个数，不含变量取值",
    en="how many independent bins each party brings to the model, no value of any",
)
OWN_POINTS = Text(
    zh="本方变量各分箱的分数；它反映本方变量与违约的关系",
    en="the points of its own variables' bins, which tell how its variables go with default",
)
MEASURES = Text(
    zh="联合与单独评分在样本外的 AUC、KS 及置信区间；基础分",
    en="AUC and KS with intervals of the joint score and its own alone, out of fold; the base points",
)
DEALER = Text(
    zh="行数与各方列数；打乱次序、不知对应何人的样本外联合得分、违约标志与银行自有得分的名次",
    en="rows and widths; out-of-fold joint scores with outcomes and ranks of the bank's own score, of "
    "unknown rows in a secret order",
)
DEALT = Protocol(
    name="dealer-shares",
    paper="Beaver, CRYPTO 1991; Escudero et al., CRYPTO 2020; DeLong et al., Biometrics 1988",
    adversary=Text(zh="半诚实：各方按协议执行", en="semi-honest: all follow the protocol"),
    collusion=Text(
        zh="银行与数据方之间任意合谋不泄露其余方数据；发牌方与任一方合谋则泄露",
        en="members may collude in any number against the others; the dealer with any one member breaks it",
    ),
    cost=Text(
        zh="每步 4 轮通信；发牌方每步每行每折 72 字节，成员之间 12 字节（两方）",
        en="4 rounds a step; for each step, row and fold 72 bytes from the dealer and 16 between two members",
    ),
)
ROLES = (
    Role("bank", Text(zh="银行（有违约标志）", en="bank, which has the outcome")),
    Role("holder", Text(zh="数据方", en="data holder"), at_most=14),
    Role(
        "dealer",
        Text(zh="发牌方（平台或监管节点，无数据）", en="dealer (platform or regulator, no data)"),
        brings_data=False,
    ),
)
KIND = Kind(
    name="scorecard",
    version=1,
    title=Text(zh="联合评分卡", en="joint scorecard"),
    roles=ROLES,
    protocols=(DEALT,),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
