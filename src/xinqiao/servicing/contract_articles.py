"""The articles of a loan contract, in wording of our own: what product and offer make of each."""

from __future__ import annotations

from collections.abc import Iterator

from xinqiao.lending.product_format import ProductFile
from xinqiao.servicing.contract_basis import Basis, cny, percent
from xinqiao.servicing.contract_words import DAY_COUNTS, DRAWDOWNS, GUARANTORS, PLEDGES, REPAID_EARLY, TRADES

LEAST_DAYS = 3
"""Notice of early repayment asked for, in days."""


def articles(basis: Basis) -> dict[str, list[str]]:
    """The paragraphs of each article, by its name in the template."""
    return {
        "drawing": _numbered(_drawing(basis.product.file)),
        "interest": _numbered(_interest(basis)),
        "repayment": _numbered(_repayment(basis.product.file)),
        "prepayment": _numbered(_prepayment(basis.product.file)),
        "penalty": _numbered(_penalty(basis)),
        "collateral": _numbered(_collateral(basis)),
        "guarantee": _numbered(_guarantee(basis)),
        "chain": _numbered(_chain(basis)),
        "data": _numbered(_data(basis)),
        "use": _numbered(_use(basis)),
    }


def _numbered(texts: Iterator[str]) -> list[str]:
    return [f"（{n}）{text}" for n, text in enumerate(texts, 1)]


def _drawing(file: ProductFile) -> Iterator[str]:
    draw = file.drawdown
    least = cny(draw.least_cny)
    yield f"提款方式为{DRAWDOWNS[draw.kind].zh}，每次不少于 {least} 元，不超过当时的可用额度。"
    if draw.kind == "revolving":
        yield "归还的本金恢复相应额度，在期限内可以再次提用；未提用的额度不计利息。"
    if draw.kind == "tranches":
        yield f"最多分 {draw.most_tranches} 次提用，未提用部分不计利息。"
    paid = {
        "borrower": "支付至乙方账户",
        "seller": "受托支付给交易对方",
        "either": "支付至乙方账户或受托支付给交易对方",
    }
    yield f"放款{paid[draw.paid_to]}；乙方逾期、被列入失信名单或改变用途的，甲方可以暂停提款并说明理由。"


def _interest(basis: Basis) -> Iterator[str]:
    file = basis.product.file
    yield f"年利率 {percent(basis.offer.rate)}（单利），自提款日起按实际占用的本金计息，还款当日不计息。"
    yield f"{DAY_COUNTS[file.repayment.day_count].zh}；计算到分，{_rounding(file)}。"
    if basis.offer.repayment == "flat":
        yield (
            "等本等息方式下利息按原始本金计算，名义利率明显低于实际成本；实际成本以第二条的年化综合成本为准。"
        )
    if file.pricing.reset == "anniversary":
        yield (
            "利率在每个周年日按当时最近公布的同期限 LPR 调整，加减点不变；"
            "调整前甲方通知乙方，乙方可以提前还款且不付违约金。"
        )
    else:
        yield "利率在本合同期内不变。"


def _rounding(file: ProductFile) -> str:
    return "四舍六入五成双" if file.repayment.rounding == "half_even" else "四舍五入"


def _repayment(file: ProductFile) -> Iterator[str]:
    names = {"penalty": "罚息", "interest": "利息", "fee": "费用", "principal": "本金"}
    order = "、".join(names[each] for each in file.repayment.allocation)
    yield f"乙方于每期到期日足额还款；还款依次用于{order}，先到期的先还。"
    if file.repayment.grace_months:
        yield f"提款后前 {file.repayment.grace_months} 个月不还本金，只还利息。"
    yield "甲方在到期前和到期日以站内信或短信提醒；未收到提醒不免除还款义务。"


def _prepayment(file: ProductFile) -> Iterator[str]:
    early = file.prepayment
    when = "随时" if early.after_months == 0 else f"自提款满 {early.after_months} 个月起"
    yield f"乙方可以{when}提前归还部分或全部借款，利息只计至还款日；提前 {LEAST_DAYS} 日在平台提交即可。"
    yield "提前还款不收取违约金。" if early.rate == 0 else f"违约金为提前归还本金的 {percent(early.rate)}。"
    yield f"部分提前还款后，{REPAID_EARLY[early.then].zh}。"


def _penalty(basis: Basis) -> Iterator[str]:
    file, rate = basis.product.file, basis.offer.rate
    late_rate, misuse_rate = (
        percent(rate * (1 + part)) for part in (file.penalty.overdue, file.penalty.misuse)
    )
    yield f"{late(file)}的本金，自逾期之日起按年利率 {late_rate} 计收罚息，代替原利率。"
    if file.penalty.compound:
        yield "未按期支付的利息按罚息利率计收复利。"
    yield f"未按约定用途使用的部分，按年利率 {misuse_rate} 计收罚息；同一笔本金不并处。"
    yield (
        "乙方连续三期未足额还款、提供虚假资料或停止经营的，甲方可以书面通知借款提前到期；"
        "通知应写明理由，并给乙方不少于 10 日的改正期。"
    )
    yield "双方可以协商展期、延期还本付息或续贷；经营正常的续贷不因此单独下调信用评价。"


def _collateral(basis: Basis) -> Iterator[str]:
    security = basis.product.file.collateral
    if security is None:
        return
    kinds = "、".join(f"{PLEDGES[p.kind].zh}（按价值的 {percent(1 - p.haircut)} 计）" for p in security.kinds)
    yield f"乙方或第三人以下列财产提供抵质押：{kinds}；具体财产以抵质押清单和登记为准。"
    cover = percent(security.coverage)
    yield f"折算后的价值不低于借款本金的 {cover}，每 {security.revalue_months} 个月重新评估一次。"
    yield "担保范围为本金、利息、罚息和实现担保的合理费用；登记、评估费用由第二条写明的一方承担。"
    yield "借款清偿后 10 个工作日内，甲方配合注销登记、返还权属文件。"


def _guarantee(basis: Basis) -> Iterator[str]:
    told = basis.product.file.guarantee
    if told is None:
        return
    how = "连带责任保证" if told.joint else "一般保证"
    share = percent(told.share)
    yield f"由{GUARANTORS[told.by].zh}提供{how}，保证份额为未清偿本息的 {share}，另以保证合同约定。"
    yield "保证人代偿后，在代偿范围内向乙方追偿；保证期间为每笔借款到期之日起三年。"


def _chain(basis: Basis) -> Iterator[str]:
    told = basis.product.file.chain
    if told is not None:
        trade = TRADES[told.basis].zh
        yield f"借款以乙方与核心企业之间真实的{trade}为基础，融资比例不超过 {percent(told.advance)}。"
        if told.confirmed:
            yield f"{trade}须经核心企业确认；回款直接用于归还对应借款，余额归乙方。"
        if not told.recourse:
            yield "核心企业到期不付款的，甲方不向乙方追索，但交易虚假或乙方违约的除外。"
        else:
            yield "核心企业到期不付款的，乙方仍应按本合同还款。"
    else:
        yield "借款以乙方真实的交易为基础，乙方按约定提供订单、发票、运单等凭证。"


def _data(basis: Basis) -> Iterator[str]:
    grant = basis.grant
    if grant is not None:
        yield (
            f"甲方只依乙方的授权（编号 {grant.id}，至 {grant.last_day:%Y-%m-%d}）读取下列数据集："
            f"{'、'.join(grant.data_sets)}；用途以授权书写明的为限。"
        )
    yield "贷后管理需要继续读取数据的，由乙方另行授权；乙方可以随时撤回，甲方不得以此为由提前收回正常借款。"
    yield "甲方每次读取都记入查询日志，乙方可以查看；甲方不得向第三方提供，法律另有规定的除外。"


def _use(basis: Basis) -> Iterator[str]:
    use = basis.product.file.use
    yield f"借款仅用于：{basis.case.use}；不得用于房地产、证券投资、转贷或其他禁止的用途。"
    if use.entrusted_cny is not None:
        yield f"单次提款超过 {cny(use.entrusted_cny)} 元的，采用受托支付，直接支付给交易对方。"
    yield f"乙方在提款后 {use.proof_days} 日内按要求提供用途凭证，并配合不影响正常经营的贷后检查。"


def late(file: ProductFile) -> str:
    """When the penalty begins."""
    days = file.penalty.grace_days
    return "到期未还" if days == 0 else f"到期后 {days} 日宽限期内仍未还"
