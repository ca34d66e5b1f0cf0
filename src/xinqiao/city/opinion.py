"""News with generated titles, posts advertised, and complaints.

Titles are put together from templates by kind of event; the firm's name in them is the generated one.
The news service delivers a probability of being negative, right in most cases as services are; a
platform that trains a model of its own (``xinqiao news``) delivers its own instead.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.draw import Ints, Stream
from xinqiao.city.events import by_company, dated, occasions, state
from xinqiao.city.industry import trait
from xinqiao.city.register import names
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, only

EVENTS: tuple[tuple[str, float, float, float, tuple[str, ...]], ...] = (
    # heading, logit of the monthly chance, effects of governance and liquidity, titles
    (
        "欠薪",
        -7.8,
        -0.5,
        -0.9,
        ("{}被曝拖欠员工工资{}个月", "员工集体讨薪 {}回应称正在筹款", "{}欠薪问题引关注"),
    ),
    ("跑路失联", -9.8, -0.6, -0.9, ("{}人去楼空 负责人电话无人接听", "供应商上门追债 {}已大门紧闭")),
    ("停产", -8.6, -0.1, -0.9, ("{}生产线全面停产", "订单下滑 {}宣布停工{}周", "{}停产整顿 复工时间未定")),
    ("事故", -8.9, -0.6, 0.0, ("{}厂区发生安全事故", "{}车间起火 无人员伤亡")),
    ("违约", -8.2, -0.1, -1.0, ("{}债务逾期{}万元", "{}未能按期偿还贷款", "{}票据到期未兑付")),
    ("诉讼", -6.6, -0.4, -0.5, ("{}因合同纠纷被起诉", "{}成被告 涉案{}万元", "法院开庭审理{}买卖合同纠纷案")),
    ("质量", -7.6, -0.6, 0.0, ("抽检不合格 {}产品上榜", "{}召回{}批次产品")),
    ("污染", -8.2, -0.6, 0.0, ("{}违规排放被通报", "{}环保问题整改不到位")),
    ("监管", -7.2, -0.7, 0.0, ("{}被监管部门约谈", "{}收到行政处罚决定书 罚款{}万元")),
    ("投诉", -7.0, -0.4, -0.2, ("消费者投诉{}售后无门", "{}退款难 {}人投诉")),
    (
        "无",
        -4.6,
        0.2,
        0.2,
        ("{}与客户签订{}万元订单", "{}举办技能比武", "{}新产品上市", "走进{}:一家小企业的十年"),
    ),
)
QUIET_KINDS = 1  # the last one is no bad news
AFTER_DEFAULT = 1.6
OUTLETS = 40
WRONG = 0.06  # share of articles the news service takes for the opposite
NAMESAKE = 0.07  # share of articles that are about another firm of a like name
INTEREST = 0.6  # effect of size on how much is written about a firm
POSTS_SHARE = 0.45
CONSUMER_RATE = -3.4


def opinion_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """News, recruitment and complaints of a block of companies, by contract."""
    rng = scene.stream(Stream.OPINION, ids)
    news, kind = _news(scene, ids, rng)
    posts, complaints = _recruitment(scene, ids, rng), _complaints(scene, ids, rng)
    bad = (kind < len(EVENTS) - QUIET_KINDS) ^ (rng.random(len(kind)) < WRONG)
    negative = np.round(np.where(bad, rng.beta(8.0, 1.2, len(kind)), rng.beta(1.2, 8.0, len(kind))), 3)
    news = news.with_columns(pl.Series("负面概率", negative).cast(pl.String))
    return {"news": news, "recruitment": posts, "complaint": complaints}


def _news(scene: Scene, ids: Ints, rng: np.random.Generator) -> tuple[pl.DataFrame, Ints]:
    """The articles, and the kind of event of each (its place in ``EVENTS``)."""
    parts = []
    for which, (_, base, governance, liquidity, _) in enumerate(EVENTS):
        quiet = which >= len(EVENTS) - QUIET_KINDS
        company, day = dated(
            scene,
            ids,
            rng,
            base=base + INTEREST * scene.region.size[ids],
            governance=governance,
            liquidity=liquidity,
            after_default=0.0 if quiet else AFTER_DEFAULT,
        )
        told = 1 + rng.geometric(0.6, len(company)) - 1  # articles about the same event
        day = np.repeat(day, told) + rng.integers(0, 4, int(told.sum()))
        parts.append((np.repeat(company, told), day, np.full(len(day), which)))
    company, day, kind = by_company(*(np.concatenate([p[i] for p in parts]) for i in range(3)))
    alive = day < scene.region.calendar.end
    company, day, kind = company[alive], day[alive], kind[alive]
    n = len(company)
    namesake = rng.random(n) < NAMESAKE
    match = np.round(np.where(namesake, rng.uniform(0.3, 0.85, n), rng.uniform(0.86, 1.0, n)), 3)
    heading = choice(tuple(event[0] for event in EVENTS), kind)
    articles = pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "文章编号": codes("示文", ids[0] * 1000 + np.arange(n), 10),
            "发布日期": dates(day),
            "来源": codes("M", 1 + (OUTLETS * rng.random(n) ** 2).astype(np.int64), 3),
            "标题": _titles(scene, company, kind, rng),
            "事件类型": only(rng.random(n) < 0.9, heading),  # noqa: PLR2004 - one in ten unlabelled
            "主体匹配置信度": pl.Series(match).cast(pl.String),
            "获知日期": dates(day + 1),
        }
    )
    return articles, kind


def _titles(scene: Scene, company: Ints, kind: Ints, rng: np.random.Generator) -> pl.Series:
    who = names(scene, company, np.zeros(len(company), dtype=np.int64))
    pick, number = rng.random(len(company)), rng.integers(2, 90, len(company))
    texts = []
    for name, k, u, value in zip(who, kind.tolist(), pick.tolist(), number.tolist(), strict=True):
        templates = EVENTS[k][-1]
        template = templates[int(u * len(templates))]
        texts.append(template.format(name, value) if template.count("{}") > 1 else template.format(name))
    return pl.Series(texts, dtype=pl.String)


def _recruitment(scene: Scene, ids: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Posts advertised by firms that advertise at all; fewer when operations go badly."""
    region, calendar = scene.region, scene.region.calendar
    firms = ids[(rng.random(len(ids)) < POSTS_SHARE) & ~region.self_employed[ids]]
    trading = 0.45 * scene.fate.operations[firms] + 0.25 * scene.fate.liquidity[firms]
    mean = np.exp(0.2 + 0.7 * region.size[firms, None] + trading - 1.0 * (scene.after_default(firms) > 0))
    posts = rng.poisson(np.minimum(mean * rng.gamma(3.0, 1 / 3, mean.shape), 200))
    row, month = np.nonzero(scene.lives(firms))
    first_day = calendar.first_day
    known = first_day[month + 1] + 1
    table = pl.DataFrame(
        {
            "企业代号": company_codes(firms[row]),
            "月份": dates(first_day[month]),
            "在招岗位数": pl.Series(posts[row, month]).cast(pl.String),
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(known <= calendar.end))


def _complaints(scene: Scene, ids: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Complaints come with customers who are persons, and with ill governance."""
    region = scene.region
    retail = trait("person_share")[region.industry[ids]]
    fixed = CONSUMER_RATE - 3.0 + 6.0 * retail + 0.6 * region.size[ids] + 0.8 * rng.standard_normal(len(ids))
    mean = np.exp(fixed[:, None] + state(scene, ids, governance=-0.5, liquidity=-0.2))
    company, day = occasions(scene, ids, rng, np.minimum(mean, 20.0))
    company, day = by_company(company, day)
    known = day + rng.integers(1, 10, len(day))
    table = pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "投诉编号": codes("示诉", ids[0] * 1000 + np.arange(len(day)), 10),
            "投诉日期": dates(day),
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(known <= region.calendar.end))
