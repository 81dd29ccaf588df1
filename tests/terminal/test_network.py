"""Nothing leaves: the kernel's own account of every network call in a whole session."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.repositories import SUMMARY
from tests.terminal.places import TASK, WORKBENCH, leave
from tests.terminal.tmux import terminal

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.model,
    pytest.mark.skipif(
        not shutil.which("tmux") or not shutil.which("strace"), reason="needs tmux and strace"
    ),
]
_CALL = re.compile(
    r"^\d+ +(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)(?: (?P<error>E\w+))?", re.MULTILINE
)


def test_a_whole_session_makes_no_network_call_but_the_refused_ones_of_the_self_test(
    repository: Path, with_model: dict[str, str], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-qq", "-e", "trace=%network", "-e", "signal=none", "-o", str(trace)]
    command = [*strace, WORKBENCH, "--accept-unenforced", str(repository)]
    with terminal(command, width=120, height=40, environment=with_model, folder=repository) as screen:
        screen.wait_for("READY")
        after_the_self_test = len(trace.read_text())
        screen.type(TASK)
        screen.wait_for("in the middle")
        screen.press_until("Enter", lambda: "You" in screen.screen())
        screen.wait_for("1 waiting", seconds=120)
        screen.keys("C-r")
        screen.press_until("y", lambda: (repository / "vitals/summary.py").read_bytes() != SUMMARY)
        leave(screen)
    whole = trace.read_text()
    calls = list(_CALL.finditer(whole))
    refused = [call for call in calls if call["error"] == "EPERM"]
    assert len(refused) > 20, "the self-test must have tried, or this shows nothing"
    done = [call for call in calls if int(call["result"]) >= 0]
    # Pairs of connected descriptors: for asyncio to wake its loop, and for the runner of commands.
    pairs = [line for line in whole.splitlines() if "socketpair" in line and line.endswith("= 0")]
    ends = {end for line in pairs for end in re.findall(r"\d+", line[line.rindex("[") : line.rindex("]")])}
    kinds = set(re.findall(r"socketpair\((\w+, \w+)", whole))
    assert {kind for kind in kinds if "AF_UNIX" in kind} >= {"AF_UNIX, SOCK_STREAM"}
    assert not any("SOCK_DGRAM" in line for line in pairs)
    elsewhere = [
        call[0]
        for call in done
        if call["call"] != "socketpair" and call["arguments"].split(",")[0] not in ends
    ]
    assert not elsewhere
    # Nothing that succeeded named an address to send to.
    sent = [call["arguments"] for call in done if call["call"] in ("sendto", "sendmsg", "sendmmsg")]
    assert all(arguments.endswith("NULL, 0") or "msg_name=NULL" in arguments for arguments in sent)
    assert not {"socket", "connect", "bind", "listen", "accept", "accept4"} & {call["call"] for call in done}
    late = [call["call"] for call in _CALL.finditer(whole[after_the_self_test:])]
    assert set(late) == {"sendto", "recvfrom"}
