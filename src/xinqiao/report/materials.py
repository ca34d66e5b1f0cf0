"""The materials a supervisor asks for (报告材料包): models, dimensions, thresholds, fraud rules, templates.

All of it is taken from what is in use, never written by hand, so it can't say anything else than the
platform does.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

from xinqiao.consent.texts import texts
from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.canonical import canonical_json
from xinqiao.relation.leads.rule import rules

FIXED = (1980, 1, 1, 0, 0, 0)
"""The time of every member: the same content gives the same archive."""
CONTENTS = """信桥报告材料包 Materials

models/*.json        评价模型原始字节（变量、分箱、分值） models in use, exact bytes
dimensions.csv       评价维度：指标、口径、方向、来源 dimensions: indicators, formula, direction, source
scales/*.yaml        评级阈值 thresholds of grades
radar/*.yaml         画像维度 dimensions of the portrait
policies/*.yaml      决策政策与阈值 decision policies and their thresholds
fraud_rules.csv      反欺诈规则：认定标准、来源、阈值 fraud rules: standard, source, limits
report_template.html 报告模板 template of the report
consent_texts.json   授权书文本各版本 texts of grants, all versions
"""


def package(tx: Tx) -> bytes:
    """The archive (ZIP)."""
    with acting(tx, SYSTEM):
        models = tx.execute("SELECT id, body FROM model ORDER BY id").fetchall()
    members: dict[str, bytes] = {"README.txt": CONTENTS.encode()}
    members |= {f"models/{row['id']}.json": bytes(row["body"]) for row in models}
    members["dimensions.csv"] = _dimensions()
    for folder in ("scales", "radar", "policies"):
        members |= _folder(folder)
    members["fraud_rules.csv"] = _fraud_rules()
    template = files("xinqiao").joinpath("report", "templates", "company.html")
    members["report_template.html"] = template.read_bytes()
    members["consent_texts.json"] = canonical_json(
        [text.model_dump(mode="json") for text in texts().values()]
    )
    return _zip(members)


def _dimensions() -> bytes:
    heads = (
        "id",
        "名称 name",
        "name",
        "口径 formula",
        "formula",
        "窗口 window",
        "方向 direction",
        "来源 source",
    )
    rows = [
        (i.id, i.name.zh, i.name.en, i.formula.zh, i.formula.en, i.window, i.direction, i.source)
        for i in indicators().values()
    ]
    return _csv(heads, rows)


def _fraud_rules() -> bytes:
    heads = (
        "id",
        "名称 name",
        "name",
        "级别 severity",
        "认定标准 standard",
        "standard",
        "来源 basis",
        "阈值 limits",
    )
    rows = [
        (
            code,
            r.name.zh,
            r.name.en,
            r.severity,
            r.about.zh,
            r.about.en,
            r.basis.zh,
            "; ".join(f"{name}={value}" for name, value in r.limits.items()),
        )
        for code, r in rules().items()
    ]
    return _csv(heads, rows)


def _csv(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _folder(name: str) -> dict[str, bytes]:
    folder: Traversable = files("xinqiao").joinpath("catalog", name)
    listed = sorted(folder.iterdir(), key=lambda f: f.name)
    return {f"{name}/{f.name}": f.read_bytes() for f in listed if f.name.endswith(".yaml")}


def _zip(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(zipfile.ZipInfo(name, FIXED), body, zipfile.ZIP_DEFLATED)
    return data.getvalue()
