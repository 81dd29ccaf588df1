"""Approved commands: run to their end, within limits, reported as they were, and leaving nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.boundary.children import needs_landlock, needs_seal
from workbench.boundary import command_attempt, command_messages
from workbench.boundary.runner import CommandLimits, CommandResult, Runner
from workbench.boundary.runner_start import Policy
from workbench.core.errors import BoundaryError, UsageError

pytestmark = [needs_seal, needs_landlock]

Run: TypeAlias = Callable[..., CommandResult]
SOON = 10.0
"""A bound on waiting: a test that reaches it has failed."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory beneath which commands run."""
    return tmp_path_factory.mktemp("state") / "commands"


@pytest.fixture(scope="module")
def runner(place: Path) -> Iterator[Runner]:
    """One runner for many commands, as in a session."""
    place.mkdir()
    started = Runner.start(Policy(str(place)))
    yield started
    started.close()


@pytest.fixture
def shadow(place: Path, request: pytest.FixtureRequest) -> Path:
    """A directory for one command to work on."""
    found = place / f"shadow-{len(list(place.iterdir()))}-{os.getpid()}"
    found.mkdir()
    return found


@pytest.fixture
def sh(runner: Runner, shadow: Path) -> Run:
    """Runs a line of shell as an approved command."""

    def run(line: str, limits: CommandLimits | None = None, **options: object) -> CommandResult:
        return runner.run(["sh", "-c", line], shadow, limits, **options)  # type: ignore[arg-type]

    return run


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        os.sched_yield()


def test_a_command_runs_in_its_copy_and_may_change_it(sh: Run, shadow: Path) -> None:
    (shadow / "given").write_text("given")
    result = sh("cat given; echo made > made; mkdir d; mv given d/; ln -s d/given l; cat l; pwd")
    assert (result.code, result.reason, result.stopped) == (0, "", "")
    assert result.output.decode() == f"givengiven{shadow}\n"
    assert (shadow / "made").read_text() == "made\n"


def test_what_it_builds_there_it_may_execute(sh: Run, shadow: Path) -> None:
    (shadow / "script").write_text("#!/bin/sh\necho built\n")
    (shadow / "script").chmod(0o755)
    assert sh("./script && cp /bin/echo e && ./e copied").output == b"built\ncopied\n"


@pytest.mark.parametrize(
    ("line", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -9), ("kill -15 $$", -15)]
)
def test_how_it_ended_is_told(sh: Run, line: str, code: int) -> None:
    assert sh(line).code == code


def test_its_output_arrives_while_it_runs(runner: Runner, shadow: Path) -> None:
    chunks: list[bytes] = []

    def hear(chunk: bytes) -> None:
        chunks.append(chunk)
        (shadow / "heard").touch()

    line = "echo first; while [ ! -e heard ]; do :; done; echo second >&2"
    result = runner.run(["sh", "-c", line], shadow, CommandLimits(seconds=SOON), hear)
    assert result.output == b"".join(chunks) == b"first\nsecond\n"
    assert chunks[0] == b"first\n"


@pytest.mark.parametrize("limit", [0, 1, 1000, 100_000])
def test_output_beyond_the_limit_is_counted_and_not_kept(sh: Run, limit: int) -> None:
    result = sh("head -c 300000 /dev/zero | tr '\\0' x; exit 5", CommandLimits(output_bytes=limit))
    assert (result.output, result.output_bytes, result.truncated) == (b"x" * limit, 300_000, True)
    assert result.code == 5, "it goes on to its end all the same"


def test_a_program_that_does_not_exist_is_named(runner: Runner, shadow: Path) -> None:
    result = runner.run(["no-such-program"], shadow)
    assert (result.code, result.reason) == (127, "no-such-program: No such file or directory")


def test_a_file_that_may_not_be_executed_is_named(runner: Runner, shadow: Path) -> None:
    (shadow / "plain").touch()
    assert runner.run(["./plain"], shadow).reason == "./plain: Permission denied"


def test_words_are_handed_over_as_they_are(runner: Runner, shadow: Path) -> None:
    words = ["naïve “quoted”", "", "$HOME; `id`", "-n", "\n", os.fsdecode(b"\xff\xfe")]
    result = runner.run(["printf", "%s|", *words], shadow)
    assert result.output == b"".join(os.fsencode(word) + b"|" for word in words)


def test_a_command_that_takes_too_long_is_killed_with_all_it_started(sh: Run, shadow: Path) -> None:
    line = (
        "sleep 741000 & (setsid sleep 741001 &) ; setsid sh -c 'sleep 741002 & sleep 741003' & sleep 741004"
    )
    result = sh(line, CommandLimits(seconds=0.4))
    assert (result.stopped, result.code) == ("timeout", -signal.SIGKILL)
    assert 0.4 <= result.seconds < SOON
    assert running("sleep 74100") == []


def test_what_a_command_leaves_behind_is_killed_when_it_ends(sh: Run) -> None:
    daemon = "os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(741234)"
    detached = f"python3 -c 'import os,time; {daemon}'"
    result = sh(f"(setsid sleep 742001 >/dev/null 2>&1 &); nohup sleep 742002 & {detached}; exit 4")
    assert (result.code, result.stopped) == (4, "")
    assert running("sleep 74200") == []
    assert running("time.sleep(741234)") == []


def test_a_fork_bomb_ends_with_its_time(sh: Run) -> None:
    result = sh(
        "i=0; while [ $i -lt 200 ]; do (setsid sleep 743000 &) ; i=$((i+1)); done; wait; sleep 743001",
        CommandLimits(seconds=1.5),
    )
    assert result.stopped == "timeout"
    assert running("sleep 74300") == []


def test_a_command_can_be_cancelled(runner: Runner, shadow: Path) -> None:
    heard = threading.Event()
    results: list[CommandResult] = []

    def work() -> None:
        argv = ["sh", "-c", "echo here; sleep 4000"]
        results.append(runner.run(argv, shadow, None, lambda _chunk: heard.set()))

    thread = threading.Thread(target=work)
    thread.start()
    assert heard.wait(SOON)
    assert runner.cancel() is True
    thread.join(SOON)
    assert results[0].stopped == "cancelled"
    assert running("sleep 4000") == []
    assert runner.cancel() is False


def test_what_the_listener_raises_stops_the_command(runner: Runner, shadow: Path) -> None:
    def hear(_chunk: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(["sh", "-c", "echo here; sleep 5000"], shadow, None, hear)
    until(lambda: running("sleep 5000") == [])


def test_commands_can_run_at_the_same_time(runner: Runner, place: Path) -> None:
    first, second = place / "first", place / "second"
    for directory in (first, second):
        directory.mkdir()
    results: dict[str, CommandResult] = {}
    ready = threading.Event()

    def work() -> None:
        line = "echo ready; while [ ! -e go ]; do :; done; echo first"
        limits = CommandLimits(seconds=SOON)
        results["first"] = runner.run(["sh", "-c", line], first, limits, lambda _chunk: ready.set())

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(SOON)
    results["second"] = runner.run(["echo", "second"], second)
    assert "first" not in results
    (first / "go").touch()
    thread.join(SOON)
    assert (results["first"].output, results["second"].output) == (b"ready\nfirst\n", b"second\n")


@pytest.mark.parametrize(
    ("limits", "line", "code"),
    [
        (CommandLimits(cpu_seconds=1), "while :; do :; done", -signal.SIGKILL),
        (CommandLimits(file_bytes=1000), "head -c 5000 /dev/zero > big", 1),
        (CommandLimits(memory_bytes=200 << 20), "python3 -c 'bytearray(400 << 20)'", 1),
        (CommandLimits(open_files=10), "python3 -c 'import os; [os.dup(0) for _ in range(20)]'", 1),
    ],
)
def test_the_kernel_keeps_its_limits(
    sh: Run, limits: CommandLimits, line: str, code: int, shadow: Path
) -> None:
    result = sh(f"exec {line}" if line.startswith("python3") else line, limits)
    assert result.code in (code, -signal.SIGXFSZ, 153) if limits.file_bytes == 1000 else result.code == code
    assert not (shadow / "big").exists() or (shadow / "big").stat().st_size <= 1000


def test_without_limits_the_same_lines_go_through(sh: Run) -> None:
    none = CommandLimits(**dict.fromkeys(command_messages.LIMITS))  # type: ignore[arg-type]
    assert sh("head -c 5000 /dev/zero > big && python3 -c 'bytearray(400 << 20)'", none).code == 0


def test_it_leaves_no_core_file(sh: Run, shadow: Path) -> None:
    assert sh("sh -c 'kill -SEGV $$'; ulimit -c").output.strip().endswith(b"0")
    assert list(shadow.iterdir()) == []


def test_its_environment_holds_nothing_of_the_persons(
    place: Path, shadow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    own = Runner.start(Policy(str(place), tools=("/opt/tool",)))
    try:
        result = own.run(["env"], shadow, environment={"EXTRA": "given"})
    finally:
        own.close()
    found = dict(line.split("=", 1) for line in result.output.decode().splitlines())
    assert "AWS_SECRET_ACCESS_KEY" not in found
    assert (found["EXTRA"], found["LANG"], found["PWD"]) == ("given", "de_DE.UTF-8", str(shadow))
    assert found["PATH"].split(":")[0] == "/opt/tool/bin"
    assert set(found) - {"EXTRA"} <= command_attempt.VARIABLES


def test_it_has_a_home_and_a_place_for_temporary_files_that_are_gone_afterwards(sh: Run, place: Path) -> None:
    result = sh("echo x > ~/x && echo y > $TMPDIR/y && cat ~/x $TMPDIR/y && mkdir ~/d && chmod 0 ~/d; echo ~")
    *written, home = result.output.decode().split()
    assert written == ["x", "y"]
    until(lambda: not Path(home).exists())
    assert not list(place.glob(".home-*"))


def test_no_descriptor_and_no_terminal_of_ours_reaches_it(sh: Run) -> None:
    result = sh("ls /proc/self/fd; ps -o tty= -p $$ 2>/dev/null; cat <&0; echo >/dev/tty")
    assert result.output.split()[:4] == [b"0", b"1", b"2", b"3"], "3 is the directory that ls reads"
    assert b"/dev/tty" in result.output


def test_a_signal_that_python_ignores_is_not_ignored_in_it(sh: Run) -> None:
    result = sh("yes | head -1; grep SigIgn /proc/self/status")
    said, name, ignored = result.output.split()
    assert (said, name) == (b"y", b"SigIgn:")
    # The C library keeps signals 32 and 33 for itself: nobody can reset them, whoever ignored them.
    assert int(ignored, 16) & ~(0b11 << 31) == 0


@pytest.mark.parametrize("where", [".", "..", "../elsewhere", "/", "/tmp"])
def test_a_directory_that_is_not_beneath_the_place_is_refused(
    runner: Runner, place: Path, where: str
) -> None:
    with pytest.raises(UsageError, match="not beneath"):
        runner.run(["true"], place / where)


def test_a_directory_that_is_missing_is_named(runner: Runner, place: Path) -> None:
    with pytest.raises(BoundaryError, match="No such file or directory"):
        runner.run(["true"], place / "missing")


def test_a_command_that_is_too_long_is_refused(runner: Runner, shadow: Path) -> None:
    with pytest.raises(UsageError, match="too long"):
        runner.run(["echo", "x" * command_messages.MAX_BYTES], shadow)
    assert runner.run(["echo", "x" * 100_000], shadow).output_bytes == 100_001


@pytest.mark.parametrize("argv", [[], [""], ["echo", "a\0b"]])
def test_an_impossible_command_is_refused(runner: Runner, shadow: Path, argv: list[str]) -> None:
    with pytest.raises(BoundaryError, match="cannot be understood"):
        runner.run(argv, shadow)


def test_a_closed_runner_says_so_and_takes_what_it_started_with_it(place: Path, shadow: Path) -> None:
    own = Runner.start(Policy(str(place)))
    heard = threading.Event()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            own.run(["sh", "-c", "echo here; sleep 6000"], shadow, None, lambda _chunk: heard.set())
        except BoundaryError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert heard.wait(SOON)
    own.close()
    own.close()
    thread.join(SOON)
    assert "has ended" in str(raised[0])
    with pytest.raises(BoundaryError, match="has ended"):
        own.run(["true"], shadow)
    until(lambda: running("sleep 6000") == [])


def test_when_the_application_dies_the_runner_and_its_commands_die_too(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    program = f"""
import sys
from pathlib import Path
from typing import TypeAlias
from workbench.boundary.runner import Policy, Runner
runner = Runner.start(Policy({str(tmp_path)!r}))
runner.run(["sh", "-c", "echo here; sleep 7000"], Path({str(tmp_path / "copy")!r}), None,
           lambda chunk: print(chunk.decode(), flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as application:
        assert application.stdout is not None
        assert application.stdout.readline() == b"here\n"
        application.kill()
    until(lambda: running("sleep 7000") == [] and running(str(tmp_path)) == [])
    until(lambda: not list(tmp_path.glob(".home-*")))


def test_the_homes_of_a_killed_runner_are_swept_up(tmp_path: Path) -> None:
    (tmp_path / ".home-999999999-1").mkdir()
    (tmp_path / f".home-{os.getpid()}-1").mkdir()
    (tmp_path / "copy").mkdir()
    own = Runner.start(Policy(str(tmp_path)))
    try:
        assert own.run(["true"], tmp_path / "copy").code == 0
    finally:
        own.close()
    assert {path.name for path in tmp_path.iterdir()} == {f".home-{os.getpid()}-1", "copy"}


def test_a_command_costs_milliseconds(runner: Runner, shadow: Path) -> None:
    def once() -> float:
        began = time.perf_counter()
        runner.run(["true"], shadow)
        return time.perf_counter() - began

    assert min(once() for _ in range(5)) < 0.1


def test_every_limit_that_the_kernel_keeps_has_a_field() -> None:
    assert set(command_messages.LIMITS) < {field.name for field in fields(CommandLimits)}


def running(words: str) -> list[str]:
    """Return the command lines of live processes that hold `words`."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if words in line and "pytest" not in line:
            found.append(line)
    return found
