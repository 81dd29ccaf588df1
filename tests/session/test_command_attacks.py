"""What a hostile command tries: it fails, it is on record, and nothing of it outlives the run."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boundary.children import needs_landlock, needs_seal
from tests.commands import a_runner, commanding, run_to_end
from tests.model.scripted import ScriptedEngine
from tests.repositories import git
from tests.session.driving import Driver
from workbench.boundary import Runner
from workbench.session.views import RowKind, Shown

pytestmark = [needs_seal, needs_landlock]

PYTHON = sys.executable
DENIED = "Permission denied"


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with a_runner(tmp_path_factory.mktemp("state") / "commands") as runner:
        yield runner


@pytest.fixture
def driver(repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-commands")
    with commanding(repository, runner, monkeypatch, ScriptedEngine([])) as driver:
        yield driver


def run(driver: Driver, *argv: str) -> Shown:
    """Run a command that was approved, and return its item."""
    driver.events.clear()
    return driver.session.shown(run_to_end(driver, *argv))


def printed(shown: Shown) -> str:
    return "\n".join(row.text for row in shown.rows if row.kind is RowKind.OUTPUT)


def refused(driver: Driver) -> set[tuple[str, str]]:
    """Return program and family of every refused socket on record."""
    reader = driver.session._parts.reader
    entries = reader.entries(0, reader.size())
    found = [entry.body["egress"] for entry in entries if entry.type == "egress.denied"]
    return {(str(row["program"]), str(row["family"])) for row in found if isinstance(row, dict)}


def test_denied_files_and_the_history_are_not_there(driver: Driver, repository: Path) -> None:
    (repository / "data.csv").write_text("a,b\n")
    os.link(repository / ".env", repository / "notes.txt")
    (repository / "link.txt").symlink_to(".env")
    absolute = str(repository / ".env")
    script = f"cat .env; cat notes.txt; cat link.txt; cat data.csv; cat {absolute}; ls -a; git show HEAD:.env"
    shown = printed(run(driver, "sh", "-c", script))
    assert "secret" not in shown
    assert "a,b" not in shown, "policy asks about it, and nobody released it"
    assert f"{absolute}: {DENIED}" in shown
    assert "not a git repository" in shown
    assert {"README.md", "vitals"} <= set(shown.splitlines())
    assert ".git" not in shown.splitlines()
    assert git(repository, "show", "HEAD:.env") == "TOKEN=secret\n", "or this test shows nothing"


def test_what_a_person_released_is_there(driver: Driver, repository: Path) -> None:
    (repository / "data.csv").write_text("a,b\n")
    driver.session.releasing.give("data.csv", scope="session", reason="")
    assert "a,b" in printed(run(driver, "cat", "data.csv"))


def test_the_person_s_own_files_are_out_of_reach(driver: Driver, repository: Path) -> None:
    key = Path.home() / ".ssh-test-of-workbench"
    key.write_text("a private key")
    try:
        places = f"{key} /etc/shadow {repository}/README.md {driver.session._parts.state}/ledger.db"
        shown = printed(run(driver, "sh", "-c", f"cat {places}; ls {Path.home()}; cat /proc/$PPID/environ"))
    finally:
        key.unlink()
    assert "private key" not in shown
    assert shown.count(DENIED) >= 5


@pytest.mark.parametrize(
    ("program", "argv"),
    [
        ("python", [PYTHON, "-c", "import urllib.request as u; u.urlopen('http://192.0.2.1')"]),
        ("python", [PYTHON, "-c", "import socket; socket.getaddrinfo('example.com', 80)"]),
        (
            "python",
            [PYTHON, "-c", "import socket; socket.socket(socket.AF_UNIX).connect('/run/docker.sock')"],
        ),
        ("bash", ["bash", "-c", "echo x > /dev/tcp/192.0.2.1/80"]),
        ("curl", ["curl", "-s", "http://192.0.2.1"]),
        ("git", ["git", "ls-remote", "https://192.0.2.1/x"]),
    ],
)
def test_no_program_reaches_the_network_and_each_attempt_has_its_row(
    driver: Driver, program: str, argv: list[str]
) -> None:
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{program} is not installed")
    shown = run(driver, *argv)
    assert not driver.session.commands.ended_well(shown.proposal_id)
    rows = refused(driver)
    assert any(who.startswith(program) or program == "git" for who, _ in rows), rows
    assert {family for _, family in rows} & {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"}
    assert any("network refused" in row.text for row in shown.rows)


def test_a_test_that_opens_a_socket_fails_inside_and_is_named(driver: Driver, repository: Path) -> None:
    (repository / "tests/test_net.py").write_text(
        "import socket\n\n\ndef test_net():\n    socket.create_connection(('192.0.2.1', 80), 1)\n"
    )
    shown = run(driver, PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_net.py")
    assert "PermissionError" in printed(shown)
    assert any(family == "AF_INET" for _, family in refused(driver))


def test_nothing_is_written_outside_the_copy(driver: Driver, repository: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    targets = [str(outside), str(repository / "README.md"), str(repository / ".git/hooks/pre-commit")]
    script = (
        "; ".join(f"echo x > {target}" for target in targets) + f"; rm {outside}; ln {outside} here; true"
    )
    shown = printed(run(driver, "sh", "-c", script))
    assert outside.read_text() == "mine"
    assert (repository / "README.md").read_bytes() == b"# vitals\n"
    assert not (repository / ".git/hooks/pre-commit").exists()
    assert shown.count(DENIED) + shown.count("cannot") >= 4


def test_neither_this_process_nor_its_terminal_can_be_reached(driver: Driver) -> None:
    script = (
        f"kill -9 {os.getpid()}; kill -STOP $PPID; echo y > /dev/tty; echo y > /dev/pts/0; "
        "tty; unshare -U true; echo done"
    )
    shown = printed(run(driver, "sh", "-c", script))
    assert shown.endswith("done")
    assert "not a tty" in shown
    if os.geteuid() == 0:
        assert "Operation not permitted" in shown or "No such process" in shown


def test_no_variable_of_the_person_is_given_to_a_command(driver: Driver) -> None:
    shown = printed(run(driver, "env"))
    assert "not-for-commands" not in shown
    names = {line.partition("=")[0] for line in shown.splitlines()}
    assert names <= {
        *("PATH", "HOME", "TMPDIR", "PWD", "TERM", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH"),
        *("PYTHONDONTWRITEBYTECODE", "GIT_CONFIG_NOSYSTEM", "GIT_TERMINAL_PROMPT"),
    }


def test_a_file_that_python_would_run_by_itself_runs_confined(driver: Driver, repository: Path) -> None:
    (repository / "sitecustomize.py").write_text("import socket; socket.socket()\n")
    run(driver, PYTHON, "-c", "print('ran')")
    assert ("python", "AF_INET") in {(who[:6], family) for who, family in refused(driver)}


def test_what_outlives_the_command_is_killed_and_floods_end(driver: Driver) -> None:
    marker = f"{os.getpid()}123"
    run(driver, "sh", "-c", f"(setsid sleep {marker} &) ; sleep {marker} & echo left")
    alive = [path for path in Path("/proc").glob("[0-9]*/cmdline") if _holds(path, marker)]
    assert alive == []
    shown = run(driver, "sh", "-c", "head -c 2000000000 /dev/zero > big")
    assert any("signal 25" in row.text or "exit" in row.text for row in shown.rows)
    assert not any(item.path == "big" for item in driver.session.queue() if item.kind != "run")


def test_a_live_socket_of_this_machine_cannot_be_reached(driver: Driver, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        script = f"import socket; socket.socket(socket.AF_UNIX).connect('{tmp_path / 's'}')"
        shown = run(driver, PYTHON, "-c", script)
    assert "PermissionError" in printed(shown)


def _holds(path: Path, marker: str) -> bool:
    try:
        return marker.encode() in path.read_bytes().split(b"\0")
    except OSError:
        return False
