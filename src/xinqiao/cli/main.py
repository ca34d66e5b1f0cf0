"""The command ``xinqiao``: one verb a module, one way of showing errors.

Only the verb that is called is imported, so ``--help`` does not pay for the engines.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

import typer
from rich.console import Console
from rich.markup import escape

from xinqiao import __version__
from xinqiao.kernel.errors import UserError

VERBS = {
    "demo": "生成示范城市并启动四个门户 / a generated city, scored and served",
    "serve": "启动平台 / start the platform: portals and API",
    "run": "从原始文件到信贷决策 / from raw files to credit decisions",
    "ingest": "读入原始文件 / read raw files into the lake",
    "indicators": "计算指标 / compute indicators as of a date",
    "decide": "对一户作出决策并给出轨迹 / decide one case, with its trace",
    "replay": "逐字节重放一项决策 / reproduce a decision byte for byte",
    "policy check": "查出政策中的错误、漏洞和重叠 / find faults, gaps and overlaps of a policy",
    "policy diff": "两个政策在同一批企业上的差别 / who would be decided otherwise",
    "policy cases": "为政策生成测试案例 / generate cases for a policy",
    "policy export": "把决策表导出为 XLSX / decision tables as a workbook",
    "policy import": "从 XLSX 导入决策表 / decision tables from a workbook",
    "card export": "导出评分卡为 SQL、Python、PMML / a card as SQL, Python or PMML",
    "benchmark table": "在任意平面文件上比较建模方法 / compare the fitters on any flat file",
    "day-end": "日终：计提、逾期、分类、拨备 / close an institution's business days",
    "loan replay": "重算贷款算例 / worked loan cases beside what the engine makes of them",
    "verify": "离线核验证明、报告、日志或合同 / verify a proof, report, exported log or contract offline",
    "witness": "为存证日志共同签名 / cosign the evidence log as a member's witness",
    "strategy": "在总额度下求利润最大的信贷方案 / whom to lend, how much, at what rate",
    "node": "隐私计算节点 / a party's node for privacy computing",
    "demo-privacy": "七个节点演示全部隐私计算任务 / seven nodes play every kind of joint computing",
    "privacy init": "生成本方节点文件，登记对方 / files of a node, and other parties pinned",
    "privacy propose": "提出并签署一项任务 / propose a job and sign it",
    "privacy jobs": "任务列表 / this party's jobs",
    "privacy show": "一项任务及谁会知道什么 / a job, and who would learn what",
    "privacy approve": "批准等待中的任务 / approve a waiting job",
    "privacy refuse": "拒绝任务 / refuse a job",
    "privacy retry": "重试失败的任务 / try a failed job again",
    "privacy result": "结果与证明 / a job's result and proof",
    "privacy verify": "离线核验任务证明 / verify a job's proof offline",
    "privacy issue": "签发授权清单 / sign a list of consents",
    "privacy consents": "导入签名的授权清单 / take in a signed list of consents",
    "size": "按国家标准划型 / the size class of a firm by the national standard",
    "resolve": "跨来源识别同一企业 / the same firm across sources, with and without its code",
    "city": "生成示范区域 / generate a demo region of 1,000 to 1,000,000 firms",
    "catalogue": "数据目录 / the data catalogue: holders, quality, lineage",
    "control": "股权穿透与实际控制人 / ultimate stakes and the actual controller of a firm",
    "news": "识别负面舆情 / find negative news of firms, by month",
    "leads": "欺诈待核线索及证据 / fraud leads with their evidence",
    "benchmark smesd": "关联关系对破产预测的增益 / what the graph adds on smesd",
    "benchmark news": "负面舆情识别 / negative-news recognition, trained and evaluated",
    "benchmark city": "逐源加入数据与 3+N+X 模型 / models as sources are added, and 3+N+X",
    "benchmark matching": "产品匹配与简单排序 / matching beside simple rankings on a made market",
    "benchmark warning": "预警的提前量与准确率 / early warning: lead time and precision",
}
GROUPS = {
    "policy": "决策政策 / decision policies",
    "loan": "贷款 / loans",
    "card": "评分卡 / points cards",
    "privacy": "隐私计算 / privacy computing",
    "benchmark": "与常用库比较 / comparisons with common libraries",
}
USER_ERROR = 2
"""Exit code of an error the user can mend."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it."""


def build(called: str | None) -> typer.Typer:
    """The command line with all verbs listed and the ``called`` one loaded."""
    app = typer.Typer(
        name="xinqiao",
        help=f"信桥 Xinqiao {__version__}: 小微企业信用平台 / open credit platform for small firms",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_about)
    groups = {"": app}
    for name, words in GROUPS.items():
        groups[name] = typer.Typer(help=words, no_args_is_help=True)
        app.add_typer(groups[name], name=name)
    for verb, words in VERBS.items():
        group, _, name = verb.rpartition(" ")
        function = _load(verb) if verb == called else _unloaded
        groups[group].command(name, help=words)(function)
    return app


def _about() -> None:
    """Options common to all verbs: none yet, the callback keeps verbs as subcommands."""


def _unloaded() -> None:
    """Stands in the list of verbs for one that was not called."""


def _load(verb: str) -> Callable[..., None]:
    name = verb.replace(" ", "_").replace("-", "_")
    function: Callable[..., None] = getattr(importlib.import_module(f"xinqiao.cli.{name}"), name)
    return function


def _called(words: list[str]) -> str | None:
    """The verb that ``words`` of the command line call: one word, or a group's name and one more."""
    plain = [word for word in words if not word.startswith("-")]
    count = 2 if plain[:1] and plain[0] in GROUPS else 1
    return " ".join(plain[:count]) or None


def show(error: UserError, console: Console) -> None:
    """Print what is wrong, where and what to do, Chinese first."""
    console.print(f"[bold red]错误 {error.code}[/]  {escape(error.where)}")
    console.print(f"  {escape(error.what.zh)}\n  [dim]{escape(error.what.en)}[/]")
    console.print(f"[bold]怎么办[/] {escape(error.fix.zh)}\n  [dim]{escape(error.fix.en)}[/]")


def main() -> None:
    """Entry point of the console script."""
    called = _called(sys.argv[1:])
    console = Console(stderr=True, soft_wrap=True)
    if "--version" in sys.argv[1:2]:
        Console().print(__version__)
        return
    try:
        build(called)()
    except UserError as error:
        show(error, console)
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        console.print("已中断，重新运行即可继续 / interrupted; run again to go on")
        sys.exit(INTERRUPTED)
