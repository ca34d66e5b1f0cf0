"""In words: roles and protocols of the kinds that are made of bin sums (``modelling.bin_sums``)."""

from __future__ import annotations

from xinqiao.kernel.text import Text
from xinqiao.privacy.job.kind import SEMI_HONEST, Protocol, Role

BANK = Role("bank", Text(zh="银行（有标签）", en="bank with the label"))
HOLDER = Role("holder", Text(zh="数据提供方（有特征）", en="holder of features"), at_least=1, at_most=8)
DEALER = Role(
    "dealer",
    Text(zh="随机数提供方（无数据）", en="dealer of randomness, without data"),
    at_least=0,
    brings_data=False,
    receives=False,
)
SIZES = Text(
    zh="行数、特征数、箱数、每层节点数；不知标识、标签与取值",
    en="numbers of rows, features, bins and nodes a level; no id, label or value",
)
"""What a dealer learns."""
PAILLIER = Protocol(
    name="paillier",
    paper="Paillier, Eurocrypt 1999; Damgard, Jurik, Nielsen, IJIS 9 (2010); Cheng et al., SecureBoost, 2021",
    adversary=SEMI_HONEST,
    collusion=Text(
        zh="无第三方；任意多个提供方合谋也不知标签",
        en="no third party; holders learn no label however many collude",
    ),
    cost=Text(
        zh="每行一次加密（2048 位，约 0.4 毫秒）与 512 字节；每行每特征约一次 4096 位模乘",
        en="a row: an encryption (2,048 bits, 0.4 ms), 512 bytes, about a product of 4,096 bits a feature",
    ),
)
OKAMOTO = Protocol(
    name="okamoto_uchiyama",
    paper="Okamoto, Uchiyama, Eurocrypt 1998; Cheng et al., SecureBoost, 2021",
    adversary=Text(
        zh="半诚实；提供方若发送超范围密文并观察后果，可破解密钥，故只用于按协议执行的各方",
        en="semi-honest only: a holder that sends ciphertexts out of range and watches what follows can find"
        " the key",
    ),
    collusion=PAILLIER.collusion,
    cost=Text(
        zh="约为 Paillier 的三分之一，字节约一半",
        en="about a third of Paillier's, and half of its bytes",
    ),
)
DEALT = Protocol(
    name="dealer",
    paper="Beaver, CRYPTO 1991",
    adversary=SEMI_HONEST,
    collusion=Text(
        zh="随机数提供方与任一方合谋即可知另一方的输入",
        en="a dealer that colludes with one party learns the other's input",
    ),
    cost=Text(
        zh="掩码矩阵一次：行数 x 箱数 x 8 字节；此后每次每行 8 字节",
        en="once a masked matrix of rows x bins x 8 bytes; then 8 bytes a row and question",
    ),
)
