"""The kind ``scorecard``: a logistic scorecard on the columns of a bank and of holders, left in parts.

Each variable's bins get points; a party learns the points of its own variables and keeps them in its
node (``modelling.model_part``). The bank also learns the base points and how well the joint score ranks
rows it was not fitted on, against the bank's own columns alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import ALIGNED
from xinqiao.privacy.job.kind import SEMI_HONEST, Job, Kind, Protocol, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling import joint_engine, joint_training
from xinqiao.privacy.modelling.columns import ROWS_OF_A_BIN
from xinqiao.privacy.modelling.joint_engine import Fitted
from xinqiao.privacy.modelling.joint_logistic import THETA_BITS, fit_plain
from xinqiao.privacy.modelling.joint_training import Trained, pooled, settings, train, train_dealer
from xinqiao.privacy.modelling.lift import Lift
from xinqiao.privacy.modelling.model_part import ModelPart
from xinqiao.privacy.modelling.parties import members
from xinqiao.privacy.protocol.sharing import decode
from xinqiao.scoring.card import Card
from xinqiao.scoring.columns import Floats


def run(job: Job, link: Link) -> Result:
    """See ``Kind``. Raises UserError PRV-LABEL, PRV-MODEL-FEW, PRV-MODEL-COLUMNS."""
    by_engine = job.manifest.engine.name == "spu"
    if job.me.role == "dealer":
        return Result({"rows": joint_engine.help_along(job, link) if by_engine else _deal(job, link)})
    fitted = joint_engine.train(job, link) if by_engine else _fitted(job, link)
    card = _card(fitted.rows, fitted.coefficients)
    part = _part(job.manifest, job.me.name, len(fitted.rows.fold), card)
    part.save(job.state)
    return _result(part, fitted.rows.bad, fitted.lift)


def _fitted(job: Job, link: Link) -> Fitted:
    trained = train(job, link, settings(job.manifest).folds + 1)
    return Fitted(trained.rows, _own_coefficients(trained), trained.lift)


def _deal(job: Job, link: Link) -> int:
    _, plan = train_dealer(job, link, settings(job.manifest).folds + 1)
    return plan.rows


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
    if manifest.engine.name == "spu":
        joint_engine.check(manifest)
    else:
        dealt(manifest)


def dealt(manifest: Manifest) -> None:
    """That the own engine can do it. Raises UserError PRV-MANIFEST."""
    if manifest.engine.name != "own":
        fail("PRV-MANIFEST", str(manifest.job), detail=f"engine {manifest.engine.name}")
    manifest.only("dealer")


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """See ``Kind``."""
    told: dict[str, tuple[Text, ...]] = dict.fromkeys(members(manifest), (ALIGNED, WIDTHS, OWN_POINTS))
    bank = manifest.only("bank").name
    by_engine = manifest.engine.name == "spu"
    told[bank] = (ALIGNED, WIDTHS, OWN_POINTS, MEASURES, *([SCORES] if by_engine else []))
    return told | {party.name: (SIZES if by_engine else DEALER,) for party in manifest.having("dealer")}


WIDTHS = Text(
    zh="各方入模的独立分箱个数，不含变量取值",
    en="how many independent bins each party brings to the model, no value of any",
)
OWN_POINTS = Text(
    zh="本方变量各分箱的分数；它反映本方变量与违约的关系（不足 {rows} 行的分箱取平均，不反映其中个别主体）",
    en="the points of its own variables' bins, which tell how its variables go with default (bins of fewer"
    " than {rows} rows get the average, so that they tell of no few subjects)",
).fill(rows=ROWS_OF_A_BIN)
MEASURES = Text(
    zh="联合与单独评分在样本外的 AUC、KS 及置信区间；基础分",
    en="AUC and KS with intervals of the joint score and its own alone, out of fold; the base points",
)
DEALER = Text(
    zh="行数与各方列数；打乱次序、不知对应何人的样本外联合得分、违约标志与银行自有得分的名次",
    en="rows and widths; out-of-fold joint scores with outcomes and ranks of the bank's own score, of "
    "unknown rows in a secret order",
)
SCORES = Text(
    zh="每一行的样本外联合得分（即数据方变量对该主体得分的贡献之和）",
    en="the out-of-fold joint score of each row: so the sum of what the holder's columns give it",
)
SIZES = Text(
    zh="行数、各方列数与各行的随机分折（行的次序保密，分折只取决于排序后的位次，与标识无关）",
    en="rows, widths and each row's random fold (rows in a secret order, folds by place and not by id)",
)
DEALT = Protocol(
    name="dealer-shares",
    paper="Beaver, CRYPTO 1991; Escudero et al., CRYPTO 2020; DeLong et al., Biometrics 1988",
    adversary=SEMI_HONEST,
    collusion=Text(
        zh="银行与数据方之间任意合谋不泄露其余方数据；发牌方与任一方合谋则泄露",
        en="members may collude in any number against the others; the dealer with any one member breaks it",
    ),
    cost=Text(
        zh="每步 4 轮通信；每步每行每次拟合发牌方 96 字节，两方各 13 字节"
        "（一万行二十列、100 步共 2 个 CPU 秒）",
        en="4 rounds a step; a step, row and fit 96 bytes from the dealer, 13 from each of two members "
        "(10,000 x 20, 100 steps: 2 CPU-seconds in all)",
    ),
)
ABY3 = Protocol(
    name="spu-aby3",
    paper="Mohassel and Rindal, CCS 2018 (ABY3), by SPU 0.9.5",
    adversary=SEMI_HONEST,
    collusion=Text(
        zh="三方中任意两方合谋即可看到全部输入", en="any two of the three together see all inputs"
    ),
    cost=Text(zh="约 1 GB 内存；见性能实测", en="about 1 GB of memory; see the measurements"),
)
CHEETAH = Protocol(
    name="spu-cheetah",
    paper="Huang et al., USENIX Security 2022 (Cheetah), by SPU 0.9.5",
    adversary=SEMI_HONEST,
    collusion=Text(zh="只有两方，不需要第三方", en="two parties alone, no third is needed"),
    cost=Text(zh="比三方慢约十倍；约 1 GB 内存", en="some ten times slower than with a third; about 1 GB"),
)
BANK = Role("bank", Text(zh="银行（有违约标志）", en="bank, which has the outcome"))
HOLDER = Role("holder", Text(zh="数据方", en="data holder"), at_most=14)
THIRD = Text(zh="发牌方或第三计算方（平台或监管节点，无数据）", en="dealer or third to compute, without data")
KIND = Kind(
    name="scorecard",
    version=1,
    title=Text(zh="联合评分卡", en="joint scorecard"),
    roles=(BANK, HOLDER, Role("dealer", THIRD, at_least=0, brings_data=False, receives=False, sees=True)),
    protocols=(DEALT, ABY3, CHEETAH),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
