"""What a node's configuration says of agreement: peers as pinned, sources, rules, issuers of consents."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import user_error
from xinqiao.privacy.config import Config
from xinqiao.privacy.manifest import Hex32, Name
from xinqiao.privacy.rules import Peer, Policy, Rule
from xinqiao.privacy.signing import Identity, read_pair
from xinqiao.privacy.source_data import Source


class RulesFile(BaseModel):
    """``rules.yaml``: the rules, and the public keys (hex) of those whose lists of consents count."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[Rule, ...] = ()
    issuers: dict[Name, Hex32] = Field(default_factory=dict)


def identity_of(config: Config) -> Identity:
    """Who this node is. Raises UserError PRV-SIGNING-KEY."""
    pair = read_pair(config.path(config.signing_key))
    return Identity(config.name, config.own_certificate.fingerprint, pair)


def policy_of(config: Config) -> Policy:
    """What this node may compute; nothing where there is no file of rules.

    Raises UserError DOC-* (the file of rules), PRV-CONFIG (a source), CON-UNKNOWN (its contract).
    """
    path = config.path(config.rules)
    told = RulesFile()
    if path.exists():
        told = parse(path.read_text("utf-8"), RulesFile, str(path))[0]
    peers = {
        peer.name: Peer(
            name=peer.name,
            certificate=config.certificates[peer.name].fingerprint,
            signing_key=peer.signing_key,
        )
        for peer in config.peers
    }
    sources = [_source(config, given) for given in config.sources]
    return Policy(peers, told.rules, {source.name: source for source in sources}, told.issuers)


def _source(config: Config, given: dict[str, object]) -> Source:
    try:
        source = Source.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        detail = f"sources {'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise user_error("PRV-CONFIG", str(config.file), detail=detail) from error
    _ = source.types  # an unknown contract is told now
    return source if source.file is None else source.model_copy(update={"file": config.path(source.file)})
