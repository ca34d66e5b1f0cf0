from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xinqiao.cli.main import build
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement.certificate import DAYS, make_certificate
from xinqiao.privacy.agreement.config import Limits, host_and_port, read_config
from xinqiao.privacy.agreement.rules import ANY, Rule
from xinqiao.privacy.node.node import serve
from xinqiao.privacy.node.node_files import (
    CONFIG,
    add_peer,
    add_rule,
    add_settings,
    add_source,
    make_node,
    read_card,
)
from xinqiao.privacy.node.tls import server_context


def test_two_new_nodes_know_each_other_by_their_cards(tmp_path: Path) -> None:
    for name, port in (("bank", 9310), ("tax", 9311)):
        make_node(tmp_path / name, name, f"127.0.0.1:{port}")
    pinned = add_peer(tmp_path / "bank", read_card(tmp_path / "tax" / "tax.party.json"))
    config, tax = read_config(tmp_path / "bank" / CONFIG), read_config(tmp_path / "tax" / CONFIG)
    assert pinned.fingerprint == tax.own_certificate.fingerprint
    assert config.certificates["tax"].fingerprint == pinned.fingerprint
    assert config.peer("tax").address == "127.0.0.1:9311"
    assert config.policy().rules == ()  # nothing is allowed by default
    assert config.identity().certificate == config.own_certificate.fingerprint
    assert config.policy().peers["tax"].signing_key == tax.identity().signing_key
    with pytest.raises(UserError, match="PRV-PEER-UNKNOWN"):
        config.peer("power")


def test_secrets_are_the_owners_only_and_the_card_holds_none(tmp_path: Path) -> None:
    make_node(tmp_path / "tax", "tax", "127.0.0.1:9310")
    add_peer(tmp_path / "tax", make_node(tmp_path / "bank", "bank", "127.0.0.1:9311"))
    secrets = [tmp_path / "tax" / name for name in ("key.pem", "signing.key", CONFIG)]  # it may hold a DSN
    assert [path.stat().st_mode & 0o777 for path in secrets] == [0o600] * 3
    told = (tmp_path / "tax" / "tax.party.json").read_text()
    assert "PRIVATE" not in told
    assert secrets[1].read_text().strip() not in told


def test_nothing_is_written_over(tmp_path: Path) -> None:
    make_node(tmp_path, "tax", "127.0.0.1:9310")
    with pytest.raises(UserError, match="PRV-CONFIG"):
        make_node(tmp_path, "tax", "127.0.0.1:9310")
    other = make_node(tmp_path / "o", "bank", "127.0.0.1:9311")
    add_peer(tmp_path, other)
    with pytest.raises(UserError, match="PRV-CONFIG"):
        add_peer(tmp_path, other)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("listen = 5", "listen"),
        ("rules = 5", "rules"),
        ("[limits]\nlost_seconds = 1", "lost_seconds"),
        ("unknown = 1", "unknown"),
        ('dsn = "x"', "owner_dsn"),
        ("=", "line"),
        ('[[peers]]\nname = "tax"\ncertificate = "certificate.pem"\nsigning_key = "x"', "signing_key"),
    ],
)
def test_faults_of_a_configuration_are_named(tmp_path: Path, line: str, word: str) -> None:
    make_node(tmp_path, "tax", "127.0.0.1:9310")
    told = (tmp_path / CONFIG).read_text()
    told = told.replace("listen =", "# listen =") if line.startswith("listen") else told
    (tmp_path / CONFIG).write_text(f"{told}\n{line}\n")
    with pytest.raises(UserError, match=word) as caught:
        read_config(tmp_path / CONFIG)
    assert caught.value.code == "PRV-CONFIG"


def test_two_parties_cannot_have_one_certificate(tmp_path: Path) -> None:
    card = make_node(tmp_path, "tax", "127.0.0.1:9310")
    add_peer(tmp_path, card.model_copy(update={"name": "bank"}))
    with pytest.raises(UserError, match="PRV-CONFIG"):
        read_config(tmp_path / CONFIG)


def test_addresses() -> None:
    assert host_and_port("[::1]:9310") == ("::1", 9310)
    assert host_and_port("node.example:9310") == ("node.example", 9310)
    with pytest.raises(UserError, match="PRV-CONFIG"):
        host_and_port("node.example:99999")


def test_the_command_makes_a_node_and_pins_another(tmp_path: Path) -> None:
    made = CliRunner().invoke(
        build("privacy init"), ["privacy", "init", "--home", str(tmp_path / "a"), "--name", "tax"]
    )
    assert made.exit_code == 0, made.output
    assert read_card(tmp_path / "a" / "tax.party.json").fingerprint in made.output
    assert "nobody can call" in made.output
    card = make_node(tmp_path / "b", "bank", "127.0.0.1:9311")
    path = tmp_path / "b" / f"{card.name}.party.json"
    pinned = CliRunner().invoke(
        build("privacy init"), ["privacy", "init", "--home", str(tmp_path / "a"), "--peer", str(path)]
    )
    assert pinned.exit_code == 0, pinned.output
    assert card.fingerprint in pinned.output
    assert read_config(tmp_path / "a" / CONFIG).peers[0].name == "bank"


def test_the_fingerprint_covers_all_that_others_rely_on(tmp_path: Path) -> None:
    card = make_node(tmp_path / "a", "tax", "127.0.0.1:9310")
    other = make_node(tmp_path / "b", "tax", "127.0.0.1:9310")
    changes = {"name": "bank", "signing_key": other.signing_key, "certificate": other.certificate}
    changed = [card.model_copy(update={name: value}) for name, value in changes.items()]
    assert len({card.fingerprint, *(one.fingerprint for one in changed)}) == 4
    assert card.model_copy(update={"address": "127.0.0.1:9"}).fingerprint == card.fingerprint


def test_a_certificate_is_renewed_and_the_signing_key_stays(tmp_path: Path) -> None:
    card = make_node(tmp_path, "tax", "127.0.0.1:9310", "node.example:9310")
    before = read_config(tmp_path / CONFIG)
    done = CliRunner().invoke(build("privacy init"), ["privacy", "init", "--home", str(tmp_path), "--renew"])
    assert done.exit_code == 0, done.output
    renewed, config = read_card(tmp_path / "tax.party.json"), read_config(tmp_path / CONFIG)
    assert renewed.fingerprint in done.output
    assert renewed.address == "node.example:9310"
    assert config.own_certificate.pem == renewed.certificate != card.certificate
    assert config.own_certificate.fingerprint != before.own_certificate.fingerprint
    assert config.identity().signing_key == card.signing_key
    server_context(tmp_path / "certificate.pem", tmp_path / "key.pem", [])  # they belong together
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_after_a_certificate_has_ended_results_can_be_seen_but_no_node_starts(tmp_path: Path) -> None:
    make_node(tmp_path, "tax", "127.0.0.1:9310")
    with standing(now() + timedelta(days=DAYS + 1)):
        config = read_config(tmp_path / CONFIG)
        with pytest.raises(UserError, match="PRV-CERT-EXPIRED"):
            serve(config)


def test_a_card_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.party.json"
    for content in ("", "{}", '{"name": "B"}'):
        path.write_text(content)
        with pytest.raises(UserError, match="PRV-CONFIG"):
            read_card(path)
    path.write_text('{"name": "bank", "certificate": "none", "signing_key": "%s"}' % ("0" * 64))
    make_node(tmp_path / "a", "tax", "127.0.0.1:9310")
    with pytest.raises(UserError, match="PRV-CERT"):
        add_peer(tmp_path / "a", read_card(path))
    assert make_certificate("x")[1].startswith(b"-----BEGIN")


def test_every_limit_stands_in_the_docs_with_its_default() -> None:
    page = (Path(__file__).parents[3] / "docs" / "privacy.md").read_text("utf-8")
    for name, field in Limits.model_fields.items():
        line = next(line for line in page.splitlines() if line.startswith("| `") and f"`{name}`" in line)
        value = field.default
        shown = "none" if value is None else f"{value >> 30} GiB" if value >= 1 << 30 else f"{value:g}"
        assert shown in line


def test_settings_sources_and_rules_are_read_as_they_were_added(tmp_path: Path) -> None:
    make_node(tmp_path, "tax", "127.0.0.1:9310")
    rule = Rule(
        name="with-bank",
        peers=("bank",),
        kinds=(ANY,),
        purposes=("credit",),
        params={"count": (True,), "protocol": ("dh", "rr22")},
        runs=5,
        answer="sign",
    )
    add_source(tmp_path, "table", "table.parquet", {"id": "text", "kwh": "int"})
    add_rule(tmp_path, rule)
    add_settings(tmp_path, {"home": "示范", "engine_python": 'a "quoted" path'})
    config = read_config(tmp_path / CONFIG)
    assert config.rules == (rule,)
    assert config.sources[0].fields == {"id": "text", "kwh": "int"}
    assert (config.home, config.engine_python) == (Path("示范"), Path('a "quoted" path'))
