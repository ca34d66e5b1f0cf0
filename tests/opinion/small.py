"""Generated articles: which firm of several has bad news is said by the words beside its name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

BAD = ["被法院立案", "涉嫌非法集资", "老板跑路失联", "拖欠工资遭讨薪", "产品抽检不合格", "逾期无法兑付"]
GOOD = ["发布新款产品", "与高校签约合作", "荣获质量奖", "扩建厂房投产", "参加行业展会", "推出优惠活动"]
FILL = ["据本市消息，", "记者获悉，", "今日，", "业内人士介绍，"]


def rows(count: int, seed: int = 0) -> list[list[str]]:
    """Rows of a labelled set, half of them negative, two names in each."""
    rng = np.random.default_rng(seed)
    out = []
    for number in range(count):
        first, second = (f"{''.join(rng.choice(list('甲乙丙丁戊己庚辛壬癸'), 3))}公司" for _ in range(2))
        bad = bool(rng.integers(2))
        said = rng.choice(BAD if bad else GOOD)
        text = f"{rng.choice(FILL)}{first}{said}。{rng.choice(FILL)}{second}{rng.choice(GOOD)}。"
        out.append([str(number), "", text, f"{second};{first}", str(int(bad)), first if bad else ""])
    return out


def write_labelled(path: Path, count: int = 400, seed: int = 0) -> Path:
    """Write a labelled set as JSON."""
    path.write_text(json.dumps(rows(count, seed), ensure_ascii=False), "utf-8")
    return path
