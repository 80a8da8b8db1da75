"""The commands people type, as they type them: make, psql, docker compose's programs, and the README's blocks."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import oltp_api.server
from ops import cli, processes
from storage.settings import REPOSITORY, Settings, settings
from storage.web.server import refuse_open_address
from storage.web.sessions import session_cookie

README = (REPOSITORY / "README.md").read_text()
NOT_NOW = ["-o", ".venv/.installed", "-o", "dbt_project/target/manifest.json"]  # set up already, or no test would run
VARIABLES = {
    "PATH",
    "LAKEFOLIO_HOME",
    "DATABASE_URL",
    "DATABASE_ADMIN_URL",
    "DATABASE_SERVICES_URL",
    "LAKE_URI",
    "MARKET_SOURCE",
    "DAGSTER_HOME",
    "DAGSTER_POSTGRES_URL",
    "DAGSTER_ARTIFACTS",
    "DAGSTER_EVENT_BATCH_SIZE",
}


def run(*words: str, seconds: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    """A program in the repository, with nothing of ours in its environment but `variables`."""
    bare = {name: value for name, value in os.environ.items() if name not in VARIABLES - {"PATH"}}
    environment = {**bare, **variables}
    return subprocess.run(words, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=seconds)


def make(target: str, *words: str, seconds: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    return run("make", "-s", *NOT_NOW, target, *words, seconds=seconds, **variables)


def ops(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "ops", *words, **variables)


def refused(ended: subprocess.CompletedProcess[str]) -> str:
    """The one line that says why it would not."""
    assert ended.returncode != 0
    (error,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in ended.stderr
    return error


@pytest.fixture
def refused_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The same of a program that runs in this process: one of its own is 1 to 3 s of imports."""

    def error_of(main: Callable[[], int], *words: str, **variables: str) -> str:
        for name in VARIABLES - {"PATH"}:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["program", *words])
        settings.cache_clear()
        code = main()
        return refused(subprocess.CompletedProcess(words, code, *capsys.readouterr()))

    return error_of


@pytest.fixture(scope="module")
def exported(platform_home) -> subprocess.CompletedProcess[str]:
    """Return the outcome of `make -s env HOME_DIR=...`."""
    return make("env", f"HOME_DIR={platform_home.settings.home}")


@pytest.fixture(scope="module")
def joined(exported: subprocess.CompletedProcess[str]):
    """Runs a line of bash after `eval` of it."""

    def bash(line: str) -> subprocess.CompletedProcess[str]:
        return run("bash", "-c", f"{exported.stdout}\n{line}")

    return bash


def test_env_prints_export_lines_and_nothing_else(exported: subprocess.CompletedProcess[str]) -> None:
    assert exported.returncode == 0
    names = [re.fullmatch(r"export ([A-Z_]+)=\S.*", line) for line in exported.stdout.splitlines()]
    assert {found[1] for found in names if found} == VARIABLES
    assert None not in names
    assert exported.stderr == ""


def test_psql_joins_the_running_state(joined, platform_home) -> None:
    counted = joined('psql "$DATABASE_SERVICES_URL" -Atc "select count(*) from transaction_ledger"')
    which = joined("command -v psql dagster python")

    assert counted.stdout == "91\n", "57 of the savings, and 34 of the bonds"
    assert [Path(line).name for line in which.stdout.splitlines()] == ["psql", "dagster", "python"]
    assert all("site-packages" in line or ".venv/bin" in line for line in which.stdout.splitlines())


@pytest.mark.parametrize("role", ["DATABASE_URL", "DATABASE_ADMIN_URL"])
@pytest.mark.parametrize(
    "change",
    ["update transaction_ledger set note = 'x'", "delete from transaction_ledger", "truncate transaction_ledger"],
)
def test_the_ledger_cannot_be_changed_over_psql(joined, role, change) -> None:
    refused_change = joined(f'psql "${role}" -c "{change}"')

    assert refused_change.returncode == 1
    assert re.search(r"ERROR:  (permission denied|the transaction ledger is append-only)", refused_change.stderr)


def test_every_make_target_of_the_readme_is_in_the_help(readme_commands) -> None:
    told = set(re.findall(r"\bmake (?:-s )?([a-z]+)\b", "\n".join([*readme_commands, *re.findall("`(.*?)`", README)])))
    listed = set(re.findall(r"^  make ([a-z]+)", make("help").stdout, flags=re.MULTILINE))

    assert {"demo", "test", "up", "down", "env"} <= told
    assert told <= listed


COMPOSED = "docker-compose.yml"
IN_A_BUCKET = "docker-compose.s3.yml"
_SECRET = re.compile(r"\$\{([A-Z_]*(?:PASSWORD|SECRET|KEY|TOKEN)[A-Z_]*)([^}]*)\}")


def services(file: str, **variables: str) -> dict[str, Any]:
    """The services of a file of docker compose, which refuses as it does when a variable that it needs is not set."""

    def value(of: re.Match[str]) -> str:
        name, operator, other = of.groups()
        if operator == ":?" and not variables.get(name):
            raise LookupError(f"{name}: {other}")
        return variables.get(name) or other

    text = re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", value, (REPOSITORY / file).read_text())
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


SECRETS = {"OWNER_PASSWORD": "one", "APP_PASSWORD": "two", "SERVICES_PASSWORD": "three"}


def test_the_containers_run_the_programs_that_up_starts() -> None:
    composed = services(COMPOSED, **SECRETS)
    servers = (processes.api(8000), processes.worker(), processes.webserver(3000), processes.daemon())
    started = {server.name: server.command for server in servers}

    assert set(composed) == {"postgres", "migrate", *started}
    assert composed["migrate"]["entrypoint"] == ["python", "-m", "ops", "migrate"]
    for server in servers:
        assert composed[server.name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
        told = composed[server.name]["environment"].keys() & {"DATABASE_ADMIN_URL", "DATABASE_SERVICES_URL"}
        assert told == {"DATABASE_ADMIN_URL", "DATABASE_SERVICES_URL"} - server.withheld
    for name, command in started.items():
        program = ["python", *command[1:]] if command[1] == "-m" else [Path(command[0]).name, *command[1:]]
        assert [word.replace("0.0.0.0", "127.0.0.1") for word in composed[name]["command"]] == program
        assert all(port.startswith("127.0.0.1:") for port in composed[name].get("ports", []))
        assert composed[name]["environment"]["WEB_PUBLISHED_ON"] == "127.0.0.1"
        assert composed[name]["environment"]["AUTH"] == "accounts"
    assert 'ENTRYPOINT ["python", "-m", "ops", "run"]' in (REPOSITORY / "Dockerfile").read_text()


@pytest.mark.parametrize("secret", SECRETS)
def test_the_containers_do_not_start_without_secrets_of_ones_own(secret: str) -> None:
    with pytest.raises(LookupError, match=f"{secret}: set it in .env"):
        services(COMPOSED, **{**SECRETS, secret: ""})
    assert re.search(f"^{secret}=$", (REPOSITORY / ".env.example").read_text(), flags=re.MULTILINE)


def test_no_secret_of_the_containers_has_a_default() -> None:
    for file in (COMPOSED, IN_A_BUCKET):
        text = (REPOSITORY / file).read_text()
        found = dict(_SECRET.findall(text))
        assert found
        assert {name: other for name, other in found.items() if not other.startswith(":?") and other != ":-"} == {}
        for line in text.splitlines():
            said = re.fullmatch(r"\s*(\w*(?:PASSWORD|SECRET|_KEY)\w*):\s*(.+)", line)
            assert said is None or said[2].startswith("${"), line
    assert dict(_SECRET.findall("${APP_PASSWORD:-lakefolio}")) == {"APP_PASSWORD": ":-lakefolio"}, "it would be found"


def test_the_containers_settings_are_those_of_a_server_with_accounts(tmp_path: Path) -> None:
    """Each is set as the container sets it; people reach it by TLS, so that its cookie is for this host alone."""
    environment = services(COMPOSED, **SECRETS, PUBLIC_URL="https://folio.example.org")["api"]["environment"]
    made = Settings(_env_file=None, **{name.lower(): text for name, text in environment.items() if text})

    assert (made.has_accounts, made.is_encrypted, made.declared_hosts) == (True, True, {"folio.example.org"})
    refuse_open_address("0.0.0.0", made)
    assert session_cookie(made) == "__Host-lakefolio"


@pytest.mark.long
@pytest.mark.parametrize("module", ["oltp_api.server", "pipelines.runtime.webserver"])
def test_the_program_of_a_server_that_others_could_reach_does_not_start(module, tmp_path) -> None:
    error = refused(run(sys.executable, "-m", module, "--host", "0.0.0.0", LAKEFOLIO_HOME=str(tmp_path / "home")))

    assert "listen on 127.0.0.1" in error
    assert not (tmp_path / "home").exists(), "refused before anything was made"


def test_a_server_that_others_could_reach_does_not_start(refused_here: Callable[..., str], tmp_path: Path) -> None:
    error = refused_here(oltp_api.server.main, "--host", "0.0.0.0", LAKEFOLIO_HOME=str(tmp_path / "home"))

    assert "listen on 127.0.0.1" in error
    assert not (tmp_path / "home").exists(), "refused before anything was made"


def test_the_containers_lake_may_be_in_the_bucket_of_their_s3_server() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "name", "AWS_SECRET_ACCESS_KEY": "secret"}
    added, composed = services(IN_A_BUCKET, **keys), services(COMPOSED, **SECRETS, **keys)
    s3 = added["s3"]

    assert set(added) == {"s3", *composed} - {"postgres", "migrate"}, "by default the lake is a folder"
    assert re.fullmatch(r"chrislusf/seaweedfs:4\.(1[7-9]|[2-9]\d)", s3["image"]), "those before lose commits"
    assert s3["environment"]["S3_BUCKET"] == "lakefolio"
    assert s3["ports"] == ["127.0.0.1:8333:8333"]
    for name in set(added) - {"s3"}:
        assert added[name]["environment"] == {
            "LAKE_URI": "s3://lakefolio/lake",
            "AWS_ENDPOINT_URL": "http://s3:8333",
        }
        assert added[name]["depends_on"] == {"s3": {"condition": "service_healthy"}}
        for key, value in keys.items():
            assert s3["environment"][key] == composed[name]["environment"][key] == value
    with pytest.raises(LookupError, match="AWS_SECRET_ACCESS_KEY"):
        services(IN_A_BUCKET, AWS_ACCESS_KEY_ID="name")


def test_a_command_loads_no_library_that_another_needs() -> None:
    heavy = {"numpy", "pyarrow", "duckdb", "deltalake", "httpx", "psycopg_pool", "mcp"}
    loaded = f"import ops.cli, sys; assert not {heavy} & {{*sys.modules}}, {heavy} & {{*sys.modules}}"

    subprocess.run([sys.executable, "-c", loaded], cwd=REPOSITORY, check=True)


def test_run_becomes_the_program_with_everything_prepared(platform_home, refused_here: Callable[..., str]) -> None:
    home = str(platform_home.settings.home)
    printed = ops("run", "bash", "-c", "echo $DATABASE_URL $DAGSTER_HOME", LAKEFOLIO_HOME=home)

    assert printed.stdout.split() == [platform_home.variables["DATABASE_URL"], str(REPOSITORY / "dagster_home")]
    assert ops("run", "false", LAKEFOLIO_HOME=home).returncode == 1
    assert "needs a program" in refused_here(cli.main, "run", LAKEFOLIO_HOME=home)


def test_a_taken_port_is_one_sentence(platform_home, tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = refused(make("up", f"HOME_DIR={tmp_path / 'home'}", f"API_PORT={port}"))

    assert f"port {port} is taken" in error
    assert "API_PORT" in error
    assert not (tmp_path / "home").exists(), "refused before anything was made"


def test_a_state_folder_that_cannot_be_written_is_one_sentence(tmp_path) -> None:
    (tmp_path / "file").touch()
    free = f"API_PORT={processes.free_port()}", f"UI_PORT={processes.free_port()}"

    error = refused(make("up", f"HOME_DIR={tmp_path / 'file' / 'home'}", *free))

    assert "cannot be written" in error
    assert "LAKEFOLIO_HOME" in error


@pytest.mark.parametrize(
    ("url", "admin_url", "says"),
    [
        ("postgresql://app:hidden@127.0.0.1:1/x", "postgresql://owner:hidden@127.0.0.1:1/x", "127.0.0.1:1/x"),
        ("postgresql://app:hidden@127.0.0.1:1/x", "", "DATABASE_ADMIN_URL"),
        ("mysql://app:hidden@here", "mysql://app:hidden@here", "check both"),
    ],
    ids=["nobody listens", "no owner", "not PostgreSQL"],
)
def test_a_wrong_database_is_one_sentence_without_its_password(
    refused_here: Callable[..., str], tmp_path: Path, url: str, admin_url: str, says: str
) -> None:
    variables = {"DATABASE_URL": url, "DATABASE_ADMIN_URL": admin_url, "LAKEFOLIO_HOME": str(tmp_path)}

    error = refused_here(cli.main, "env", **variables)

    assert says in error
    assert "hidden" not in error
