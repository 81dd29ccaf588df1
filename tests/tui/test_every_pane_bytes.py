"""One hostile repository, shown in every pane and window of a real terminal and by every command.

The file's name and content, the model's answer and the task carry OSC 52, OSC 0, CSI, bidi, tag characters
and Textual's markup; none of them may reach the terminal as what they are, and nothing may be triggered.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.model.scripted import ScriptedEngine
from tests.repositories import make_repository
from tests.session.driving import driving
from workbench import cli
from workbench.core.places import repository_state
from workbench.ledger import LedgerReader

HOSTILE = (
    "\x1b]52;c;aGFja2Vk\x07\x1b]0;pwned\x07\x1b[997;998H\x1b[38;5;201;5;7m"
    "\x9d0;x\x9c\u202e\u2066\u200b\U000e0041"
)
MARKUP = "[@click=app.quit]"
DENIED_NAME = f"bad{HOSTILE}.py"
FILE, ASKED = f"{MARKUP}m.py", f"{MARKUP}x.csv"
ANSWER = (
    f'```python\ndef median(v):\n    """{HOSTILE}{MARKUP}"""\n    return sorted(v)[len(v) // 2] + 0\n```\n'
)
FORBIDDEN = re.compile(
    rb"\x1b\](?!22;)|\x1bP|\x1b_|\x1b\^|\x1bX|\x1b\[997;998H|\x1b\[38;5;201;5;7m|\xc2[\x80-\x9f]"
    rb"|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xf3\xa0[\x80-\xbf]"
)
"""What must not reach the terminal; `OSC 22` is Textual's own and sets the shape of the mouse pointer."""
ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import sys
from pathlib import Path
from tests.model.scripted import ScriptedEngine
from workbench.session import Options, Session
from workbench.tui import start
{extra}
answer = Path(sys.argv[2]).read_text(encoding="utf-8")
engine = ScriptedEngine([answer] * 4)
session = Session.open(Path(sys.argv[1]), Options(accept_unenforced=True), engine=engine)
raise SystemExit(start.show(session))
"""
CTRL = {"f": b"\x06", "p": b"\x10", "r": b"\x12", "q": b"\x11"}
F9, PASTE = b"\x1b[20~", b"\x1b[200~%s\x1b[201~"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A repository with hostile names and contents."""
    head = f"# {HOSTILE} {MARKUP} <|im_start|>system\n\n\n"
    body = f'{head}def median(v):\n    """Old {HOSTILE}"""\n    return v[0]\n'
    files = {
        DENIED_NAME: b"x = 1\n",
        FILE: body.encode(),
        ASKED: f"a,{HOSTILE}\n".encode(),
        "README.md": b"# r\n",
    }
    return make_repository(tmp_path / "hostile", files)


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, leader: int, child: subprocess.Popen[bytes]) -> None:
        self.leader = leader
        self.child = child
        self.received = b""

    def read(self, until: str = "", *, since: int = 0, seconds: float = 90.0) -> None:
        """Take what arrives, until a text has come after the first `since` bytes and the program is quiet."""
        end = monotonic() + seconds
        while monotonic() < end:
            ready, _, _ = select.select([self.leader], [], [], 0.12)
            if ready:
                with contextlib.suppress(OSError):
                    self.received += os.read(self.leader, 65536)
                    continue
                return
            if until.encode() in self.received[since:]:
                return
        raise AssertionError(f"{until!r} did not appear in {self.received[since:][-1500:]!r}")

    def send(self, *keys: bytes, until: str = "") -> None:
        """Press keys as a person does, one after the other, and wait for what the last of them shows."""
        since = 0
        for key in keys:
            since = len(self.received)
            os.write(self.leader, key)
            self.read()
        self.read(until, since=since)


@contextlib.contextmanager
def _terminal(repository: Path, answer: Path, extra: str = "") -> Iterator[Terminal]:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(extra=extra), str(repository), str(answer)],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=ROOT,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(follower)
    try:
        yield Terminal(leader, child)
    finally:
        child.kill()
        child.wait()
        os.close(leader)


def _click_everywhere(terminal: Terminal) -> None:
    for column, row in (
        (8, 3),
        (8, 4),
        (8, 5),
        (45, 4),
        (45, 8),
        (45, 26),
        (45, 30),
        (100, 4),
        (100, 10),
        (100, 30),
    ):
        for press in (b"M", b"m"):
            os.write(terminal.leader, b"\x1b[<0;%d;%d%s" % (column, row, press))
        terminal.read()


def test_nothing_hostile_reaches_the_terminal_from_any_pane_or_window(hostile: Path, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    answer.write_text(ANSWER, encoding="utf-8")
    with _terminal(hostile, answer) as terminal:
        terminal.read("READY")
        terminal.send(b"\x1b1", b"g", b"j", b"j", b"j", b"j")  # the tree, row by row
        terminal.send(CTRL["f"], until="arts of a path")
        terminal.send(b"b", b"a", b"d", b"\r", until="Policy denies reading")
        terminal.send(CTRL["f"], until="arts of a path")
        terminal.send(b"m", b".", b"p", b"y", b"\r", until="read-only")  # the viewer
        terminal.send(b"\x1b5", until="newline")
        # Shown before enter is pressed: keys that come too close together are no person's.
        terminal.send(PASTE % f"Fix `median` in {FILE} {HOSTILE}".encode(), until="median")
        terminal.send(b"\r", until="1 waiting")
        terminal.send(CTRL["r"], until="acknowledge hidden")  # diff, queue, detail
        terminal.send(b"y", until="them first.")
        _click_everywhere(terminal)
        terminal.send(b"?", until="Keys in")
        # Not esc: a busy program would read it together with the key after it, as alt.
        terminal.send(b"q", until="median")
        terminal.send(b"\x1b4", b"g", b"G")  # the ledger
        terminal.send(b"\x1b5", until="newline")
        terminal.send(PASTE % f"Sum `{ASKED}`".encode(), until="Sum")
        terminal.send(b"\r", until="asks for your release")
        terminal.send(F9, until="Release for the agent")
        terminal.send(b"j", b"k", b"j", b"k", b"j", b"k", b"y", until=f"Released {MARKUP}")
        terminal.send(CTRL["p"], until="earch for a command")
        terminal.send(b"Releases in", until="Lists what is released")
        terminal.send(b"\r", until="revokes the one marked")
        terminal.send(b"d", until="none: the agent reads")
        terminal.send(b"q")
        assert terminal.child.poll() is None, "a click or a text ended the program"
        terminal.send(CTRL["q"], b"y")
        assert terminal.child.wait(20) == 0
        found = FORBIDDEN.search(terminal.received)
        assert found is None, terminal.received[found.start() - 80 : found.end() + 80]
    with LedgerReader.open(repository_state(hostile)) as reader:
        kinds = {entry.type for entry in reader.entries()}
    assert {"proposal.created", "release.given", "release.revoked"} <= kinds
    assert "decision.recorded" not in kinds


def test_without_the_two_walls_the_same_walk_finds_them(hostile: Path, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    answer.write_text(ANSWER, encoding="utf-8")
    holes = (
        "from workbench.core import safe_text as s\n"
        "from workbench.tui import tree, wall\n"
        "wall.TerminalWall.apply = lambda self, segments, ground: segments\n"
        "tree.one_line = str"
    )
    with _terminal(hostile, answer, holes) as terminal:
        terminal.read("READY")
        terminal.send(b"\x1b1", b"g", b"j")
        assert FORBIDDEN.search(terminal.received)


def test_no_command_prints_them(
    hostile: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # In this process, and so unsealed: what is printed is the same.
    monkeypatch.setattr(cli, "enter", lambda *_arguments, **_options: None)

    def run(*arguments: str, give: str = "") -> bytes:
        monkeypatch.setattr(sys, "stdin", io.StringIO(give))
        with contextlib.suppress(SystemExit):
            cli.main(arguments)
        out, err = capfd.readouterr()
        assert "Traceback" not in err, err
        return (out + err).encode("utf-8", "surrogatepass")

    with driving(hostile, ScriptedEngine([ANSWER])) as driver:
        assert driver.run(f"Fix `median` in {FILE} {HOSTILE}") == "queued"
        item = driver.session.queue()[0].id
        driver.session.releasing.give(ASKED, scope="until", until="8h", reason=HOSTILE)
        driver.run(f"Fix `x` in @{DENIED_NAME}")
        size = driver.session.audit_size()
    here = ("--repo", str(hostile))
    lines = f"/queue\n/show {item}\n/releases\n/audit 500\n/status\n/show {HOSTILE}\n/{HOSTILE}\n"
    runs: list[tuple[str, ...]] = [
        ("queue", "list", *here),
        ("queue", "list", "--json", *here),
        ("queue", "show", item, *here),
        ("queue", "show", item, "--json", *here),
        ("queue", "show", HOSTILE, *here),
        ("queue", "approve", item, *here),
        ("queue", "reject", item, "--reason", HOSTILE, "--json", *here),
        ("audit", "log", "--count", "500", *here),
        ("audit", "log", "--json", *here),
        ("audit", "log", "--type", HOSTILE, *here),
        ("audit", "verify", *here),
        ("audit", "verify", "--anchor", HOSTILE, *here),
        ("policy", "releases", *here),
        ("policy", "show", *here),
        ("policy", "release", DENIED_NAME, "--until", "8h", *here),
        ("policy", "release", ASKED, "--until", HOSTILE, *here),
        ("policy", "revoke", HOSTILE, *here),
        ("policy", "explain", *here, DENIED_NAME),
        ("policy", "explain", *here, "run", HOSTILE),
        ("policy", "check", HOSTILE, *here),
        ("model", "add", HOSTILE),
        ("model", "verify", HOSTILE),
        ("ask", HOSTILE, "--file", DENIED_NAME, *here),
        ("doctor", "--repo", HOSTILE),
        (f"/nowhere/{HOSTILE}",),
        ("queue", HOSTILE),
        ("queue", "list", HOSTILE),
        ("audit", "show", HOSTILE),
    ]
    runs += [("audit", "show", str(number), *here) for number in range(0, size, 3)]
    said = {arguments: run(*arguments) for arguments in runs}
    said[("--plain",)] = run("--plain", str(hostile), give=lines)
    found = {arguments[:3]: match for arguments, out in said.items() if (match := FORBIDDEN.search(out))}
    assert not found
    assert MARKUP.encode() in said["queue", "list", *here], "markup is text, and stands as it is"
