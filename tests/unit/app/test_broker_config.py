"""broker-config: what it makes, what it keeps, what it refuses, and that it tells no secrets."""

from __future__ import annotations

import re
import stat
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from app.brokerconf.acl import acl_text, allowed, parse_acl
from app.brokerconf.conf import conf_text
from app.brokerconf.options import BrokerPaths, Options, dump, parse
from app.brokerconf.passwords import hashed, parse_passwords, password_text, verify
from app.brokerconf.plan import make_plan
from app.brokerconf.users import COLLECTOR, SIMULATOR, users_of
from app.cli import make_app
from models.errors import ConfigError
from models.park import Park, parse_park
from tests.unit.app.broker_parks import NOW, document, made, park, read, source, user

# made by mosquitto_passwd 2.1.2 -H sha512-pbkdf2 for the password "p"
BY_MOSQUITTO = (
    "$7$1000$3cF4BxToK5aAZVxkHwsbmpr0d1G3hDYKaE+PuayWkgxqmsEmg6++l1mYAlu2Gel2WOg+/OvZ5D2KBeebCkcVxw=="
    "$CLFNakldmHAqygjS8kmfolfmOF+Vd0mSUhjYHD51e416vOkLGfq5X1Bx1Ks0Ux/wrdo1RQRCoY1F+jYUn/0yGw=="
)


# Passwords.


def test_a_hash_of_mosquitto_is_understood_and_made() -> None:
    assert verify("p", BY_MOSQUITTO)
    assert not verify("P", BY_MOSQUITTO)
    salt = BY_MOSQUITTO.split("$")[3]
    assert hashed("p", b64decode(salt), 1000) == BY_MOSQUITTO


@pytest.mark.parametrize("stored", ["", "p", "$7$", "$6$a$b", "$7$0$YQ==$YQ==", "$7$x$YQ==$YQ=="])
def test_what_is_no_hash_fits_no_password(stored: str) -> None:
    assert not verify("p", stored)


def test_a_hash_is_kept_while_its_password_fits() -> None:
    first = parse_passwords(password_text({"u": "one", "v": "two"}, {}))
    second = parse_passwords(password_text({"u": "one", "v": "new"}, first))
    assert second["u"] == first["u"]
    assert second["v"] != first["v"]
    assert verify("new", second["v"])
    assert first["u"].split("$")[3] != first["v"].split("$")[3]  # a salt each


# Rights.


def test_an_enterprise_writes_below_its_topic_and_reads_nothing() -> None:
    assert user("p.a", park()).write == ("park/p/a", "park/p/a/#")
    assert user("p.a", park()).read == ()


def test_sources_are_written_by_their_owner_only() -> None:
    owned = park(a=[source("meters/a/#"), source("park/p/a/shelly/#", "senml")])
    assert user("p.a", owned).write == ("park/p/a", "park/p/a/#", "meters/a/#")
    assert user("p.b", owned).write == ("park/p/b", "park/p/b/#")
    assert user(COLLECTOR, owned).read == ("park/#", "meters/a/#", "$SYS/#")
    assert user(COLLECTOR, owned).write == ()


@pytest.mark.parametrize(
    ("topic", "reads"),
    [
        ("spBv1.0/g/#", ["spBv1.0/g/NCMD/#", "spBv1.0/g/DCMD/#"]),
        ("spBv1.0/g/+/gw/#", ["spBv1.0/g/NCMD/gw", "spBv1.0/g/DCMD/gw/#"]),
    ],
)
def test_a_sparkplug_node_reads_its_commands_and_states(topic: str, reads: list[str]) -> None:
    owned = park(a=[source(topic, "sparkplug")])
    assert user("p.a", owned).read == (*reads, "spBv1.0/STATE/+")
    assert user(COLLECTOR, owned).write == ("spBv1.0/+/NCMD/#", "spBv1.0/STATE/#")
    assert user("p.b", owned).read == ()


def test_the_simulator_is_a_user_of_simulated_parks_only() -> None:
    assert SIMULATOR not in [u.name for u in users_of([park()])]
    parks = park(), park("q", simulated=True)
    assert user(SIMULATOR, *parks).write == ("park/q/#",)


def test_users_of_two_parks_are_told_apart_and_keep_their_names() -> None:
    alone = {u.name for u in users_of([park()])}
    both = [u.name for u in users_of([park(), park("q")])]
    assert alone < set(both)
    assert len(both) == len(set(both)) == 5


@pytest.mark.parametrize(
    ("parks", "fault"),
    [
        ([park(), park()], "park p is given 2 times"),
        ([park(a=[source("x/#")]), park("q", a=[source("x/y")])], "overlaps x/y of park q"),
        ([park(a=[source("x\nuser p.b/#")])], "control character"),
        ([park(a=[source("spBv1.0/#", "sparkplug")])], "with the name of a group"),
        ([park(a=[source("spBv1.0/+/NDATA/#", "sparkplug")])], "with the name of a group"),
        ([park(a=[source("spBv1.0/STATE/#", "senml")])], "with the name of a group"),
    ],
)
def test_what_cannot_be_kept_apart_is_refused(parks: list[Park], fault: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(fault)):
        users_of(parks)


def test_a_user_name_fits_into_a_certificate() -> None:
    long = document("p" * 40)
    long["enterprises"][0]["key"] = "e" * 30
    with pytest.raises(ConfigError, match="71 characters, expected at most 64"):
        users_of([parse_park(long, "test")])


def test_amqtt_reads_the_access_list_as_mosquitto_does() -> None:
    rights = parse_acl(acl_text(users_of([park(a=[source("spBv1.0/g/#", "sparkplug")])])))
    assert allowed(rights, "p.a", "write", "park/p/a")
    assert allowed(rights, "p.a", "write", "park/p/a/m")
    assert not allowed(rights, "p.a", "write", "park/p/ab")
    assert not allowed(rights, "p.a", "read", "park/p/a/m")
    assert allowed(rights, "p.a", "read", "spBv1.0/g/NCMD/gw")
    assert not allowed(rights, "p.a", "read", "spBv1.0/#")
    assert not allowed(rights, "nobody", "write", "park/p/a")


# Files.


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    for options in ({}, {"certificates": True}):
        out = tmp_path / str(bool(options))
        made(out, **options)
        before = read(out)
        again = make_plan(out, [park()], None, NOW + timedelta(days=200))
        assert (again.changed, again.gone, again.fresh) == ([], [], [])
        again.write()
        assert read(out) == before


def test_nobody_else_can_read_the_files(tmp_path: Path) -> None:
    out = tmp_path / "mqtt"
    made(out, certificates=True)
    modes = {p: stat.S_IMODE(p.stat().st_mode) for p in [out, *out.rglob("*")]}
    assert {m for p, m in modes.items() if p.is_dir()} == {0o700}
    assert {m for p, m in modes.items() if p.is_file()} == {0o600}
    (out / "broker/server.key").chmod(0o644)
    (out / "broker").chmod(0o755)
    made(out, certificates=True)
    assert stat.S_IMODE((out / "broker").stat().st_mode) == 0o700
    assert stat.S_IMODE((out / "broker/server.key").stat().st_mode) == 0o600


def test_a_new_enterprise_changes_no_other_and_one_that_left_is_locked_out(tmp_path: Path) -> None:
    made(tmp_path)
    before = read(tmp_path)
    a, _ = park().enterprises
    came = a.model_copy(update={"key": "c"})
    plan = made(tmp_path, park().model_copy(update={"enterprises": (a, came)}))
    after = read(tmp_path)
    assert (plan.fresh, plan.removed) == (["p.c"], ["p.b"])
    assert not plan.restart
    kept = [n for n in before if "p.b" not in n and n not in ("broker/acl", "broker/passwords")]
    assert [n for n in kept if after[n] != before[n]] == []
    assert [n for n in after if "p.b" in n] == []
    assert not (tmp_path / "enterprises" / "p.b").exists()
    assert set(parse_passwords(after["broker/passwords"].decode())) == {COLLECTOR, "p.a", "p.c"}
    assert set(parse_acl(after["broker/acl"].decode())) == {COLLECTOR, "p.a", "p.c"}
    old, new = (parse_passwords(f["broker/passwords"].decode()) for f in (before, after))
    assert old["p.a"] == new["p.a"]


def test_only_who_is_named_gets_a_new_password(tmp_path: Path) -> None:
    made(tmp_path)
    before = read(tmp_path)
    assert made(tmp_path, rotate=("a",)).fresh == ["p.a"]
    after = read(tmp_path)
    assert {n for n in after if after[n] != before[n]} == {
        "broker/passwords",
        "enterprises/p.a/password",
    }
    new = after["enterprises/p.a/password"].decode().strip()
    assert len(new) == 32
    assert verify(new, parse_passwords(after["broker/passwords"].decode())["p.a"])


@pytest.mark.parametrize("name", ["nobody", "a"])
def test_rotate_needs_one_user(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"--rotate {name}: expected one of"):
        made(tmp_path, park(), park("q"), rotate=(name,))
    assert made(tmp_path, park(), park("q"), rotate=("q.a",)).fresh


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(ConfigError, match="was not made by broker-config"):
        made(tmp_path)
    assert read(tmp_path) == {"thesis.txt": b"x"}


# Configuration and hand-outs.


def lines(**options: Any) -> list[str]:
    return conf_text(Options(**options)).splitlines()


def test_configuration_lets_nobody_in_without_a_login() -> None:
    for given in ({}, {"certificates": True}, {"plain_port": 1883}):
        got = lines(**given)
        assert "allow_anonymous false" in got
        assert "plugin_opt_flush_period 0" in got
        assert "plugin /usr/lib/mosquitto_acl_file.so" in got
        listeners = [line for line in got if line.startswith("listener ")]
        assert listeners[0] == "listener 8883"
        assert listeners[1:] == (["listener 1883 127.0.0.1"] if "plain_port" in given else [])
        login = {"require_certificate true", "use_identity_as_username true"}
        assert (login <= set(got)) is ("certificates" in given)


def test_configuration_for_mosquitto_2_0_has_no_plugins() -> None:
    got = lines(paths=BrokerPaths("/f", "/d", ""))
    assert [line for line in got if "plugin" in line] == []
    assert {"password_file /f/passwords", "acl_file /f/acl", "persistence true"} <= set(got)


@pytest.mark.parametrize(
    "options",
    [
        {"certificates": True, "plain_port": 1883},
        {"plain_port": 8883},
        {"hosts": ("a b",)},
        {"hosts": ("x\nlistener 1883",)},
        {"bind": "x\nlistener 1883"},
        {"paths": BrokerPaths("/f\nallow_anonymous true")},
    ],
)
def test_options_that_contradict_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        made(tmp_path, **options)
    assert read(tmp_path) == {}


def test_options_are_kept_for_the_next_run() -> None:
    options = Options(("h",), 1, True, 0, "::1", BrokerPaths("a", "b", "c"))
    assert parse(dump(options), "x") == options
    with pytest.raises(ConfigError, match="was not made by broker-config"):
        parse(b"{}", "x")


def test_the_hand_out_tells_how_to_connect_in_two_languages(tmp_path: Path) -> None:
    made(tmp_path, park(a=[source("meters/a/#")]), hosts=("mqtt.park.example",), port=8884)
    mine = tmp_path / "enterprises" / "p.a"
    assert {p.name for p in mine.iterdir()} == {"README.md", "ca.crt", "password"}
    text = (mine / "README.md").read_text()
    for wanted in ("企", "mqtt.park.example", "8884", "p.a", "meters/a/#", "park/p/a/a-grid"):
        assert wanted in text
    assert "园区" in text
    assert (mine / "password").read_text().strip() not in text


# The command.


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    file = tmp_path / "park.yaml"
    file.write_text(yaml.safe_dump(document()))

    def call(*arguments: str) -> Result:
        command = ["broker-config", str(file), "--out", str(tmp_path / "mqtt"), *arguments]
        return CliRunner().invoke(make_app("broker-config"), command, catch_exceptions=False)

    return call


def test_the_command_says_what_changed_and_what_to_do_and_no_secret(
    run: Run, tmp_path: Path
) -> None:
    said = run("--host", "mqtt.park.example").output
    files = read(tmp_path / "mqtt")
    assert "p.a: a new login is made" in said
    assert "restart the broker" in said
    for name, content in files.items():
        if name.endswith(("password", "passwords", "client_id", ".key")):
            assert [x for x in content.decode().splitlines() if x in said] == [], name
    assert "0 file(s) new or changed" in run().output
    assert read(tmp_path / "mqtt") == files, "options not given are those of the run before"
    said = run("--rotate", "b").output
    assert "~ enterprises/p.b/password" in said
    assert "kill -HUP" in said
    assert "restart" not in said.replace("need no restart", "")


def test_a_dry_run_writes_nothing(run: Run, tmp_path: Path) -> None:
    said = run("--dry-run").output
    assert "p.a: a new login would be made" in said
    assert not (tmp_path / "mqtt").exists()
    run()
    before = read(tmp_path / "mqtt")
    assert "~ broker/mosquitto.conf" in run("--dry-run", "--certificates").output
    assert read(tmp_path / "mqtt") == before
