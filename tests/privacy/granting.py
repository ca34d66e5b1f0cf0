"""Lists of consents as their issuer signs them, taken in at a node as its people do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from pathlib import Path

from typer.testing import CliRunner

from tests.privacy.manifests import signing_key
from xinqiao.cli.main import build
from xinqiao.kernel.clock import now
from xinqiao.privacy.agreement.consents import ConsentList, Granted, signed_list
from xinqiao.privacy.agreement.signing import Identity
from xinqiao.privacy.job.keys import KeyKind
from xinqiao.privacy.node.node_files import CONFIG

ISSUER = Identity("registry", "0" * 64, signing_key("registry"))
"""Whose lists count at a node that ``knows_issuer``."""


def knows_issuer(home: Path) -> None:
    """The node of that folder takes ``ISSUER``'s lists."""
    with (home / CONFIG).open("a") as file:
        file.write(f'\n[issuers]\n{ISSUER.name} = "{ISSUER.signing_key}"\n')


def grants(
    home: Path,
    subjects: Iterable[str],
    receiver: str,
    *,
    purpose: str = "credit",
    kind: KeyKind = "text",
    revoked: Collection[str] = (),
) -> None:
    """A list of grants to ``receiver``, some revoked, taken in by the command line."""
    until = now() + timedelta(days=1)
    told = tuple(
        Granted(subject=one, receiver=receiver, purpose=purpose, until=until, revoked=one in revoked)
        for one in subjects
    )
    made = ConsentList(issuer=ISSUER.name, made_at=now(), key_kind=kind, grants=told)
    path = home / "consents.json"
    path.write_text(signed_list(made, ISSUER).model_dump_json())
    command = ["privacy", "consents", str(path), "--config", str(home / CONFIG)]
    done = CliRunner().invoke(build("privacy consents"), command)
    assert done.exit_code == 0, done.output
