"""What a process may inherit into the seal."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boundary.children import needs_seal, start

pytestmark = needs_seal

ENTER = """
import json, os
from workbench.boundary import attempts, enter
from workbench.core.errors import BoundaryError
before = set(map(int, os.listdir("/proc/self/fd")))
try:
    enter([], reexec=False)
    said = ""
except BoundaryError as error:
    said = error.diagnostics()
now = [n for n in map(int, os.listdir("/proc/self/fd")) if os.path.lexists(f"/proc/self/fd/{n}")]
report = {"said": said, "sealed": attempts.sealed(), "open": [n for n in now if n > 2]}
report["kept"] = int(sys.argv[1]) in now
places = {str(n): os.readlink(f"/proc/self/fd/{n}") for n in (0, 1, 2) if n in now}
os.write(int(sys.argv[2]) if len(sys.argv) > 2 else 2, json.dumps({**report, "places": places}).encode())
"""


def report(kept: int = -1, **options: int) -> dict[str, object]:
    """Enter the seal in a new interpreter that inherits `kept`, and return what it saw."""
    ended = start(ENTER, str(kept), keep=(kept,) if kept > 2 else (), **options)  # type: ignore[arg-type]
    answer: dict[str, object] = json.loads(ended.stderr)
    return answer


@pytest.fixture(params=["tcp", "udp", "tcp6", "unix stream", "unix datagram", "netlink"])
def any_socket(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family, kind = {
        "tcp": (socket.AF_INET, socket.SOCK_STREAM),
        "udp": (socket.AF_INET, socket.SOCK_DGRAM),
        "tcp6": (socket.AF_INET6, socket.SOCK_STREAM),
        "unix stream": (socket.AF_UNIX, socket.SOCK_STREAM),
        "unix datagram": (socket.AF_UNIX, socket.SOCK_DGRAM),
        "netlink": (socket.AF_NETLINK, socket.SOCK_RAW),
    }[request.param]
    try:
        opened = socket.socket(family, kind)
    except OSError as error:
        pytest.skip(f"not on this machine: {error}")
    with opened:
        yield opened


def test_an_inherited_socket_means_not_starting(any_socket: socket.socket) -> None:
    found = report(any_socket.fileno())
    assert f"Descriptor {any_socket.fileno()} is an AF_" in str(found["said"])
    assert f"workbench {any_socket.fileno()}>&-" in str(found["said"])
    assert found["sealed"] is False


def test_an_inherited_end_of_a_pair_means_not_starting() -> None:
    left, right = socket.socketpair()
    with left, right:
        assert "AF_UNIX" in str(report(left.fileno())["said"])


def test_a_network_socket_as_standard_input_means_not_starting() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as caller,
    ):
        assert "Descriptor 0 is an AF_INET socket" in str(report(stdin=caller.fileno())["said"])


def test_a_datagram_socket_as_standard_input_means_not_starting() -> None:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with left, right:
        assert "Descriptor 0 is an AF_UNIX socket" in str(report(stdin=left.fileno())["said"])


def test_a_unix_stream_as_standard_output_is_how_editors_and_sshd_start_programs() -> None:
    left, right = socket.socketpair()
    with left, right:
        found = report(stdin=left.fileno(), stdout=left.fileno())
    assert (found["said"], found["sealed"]) == ("", True)


def test_an_inherited_file_is_closed(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        found = report(secret.fileno())
    assert (found["said"], found["sealed"], found["kept"], found["open"]) == ("", True, False, [])


def test_an_inherited_pipe_is_closed() -> None:
    reading, writing = os.pipe()
    try:
        assert report(writing)["kept"] is False
    finally:
        os.close(reading)
        os.close(writing)


def test_a_closed_standard_stream_is_filled_so_that_no_file_of_ours_becomes_standard_output() -> None:
    program = "import os\nos.close(0)\nos.close(1)\n" + ENTER
    found = json.loads(start(program, "-1").stderr)
    assert found["sealed"] is True
    assert found["places"]["0"] == found["places"]["1"] == os.devnull


def test_standard_streams_are_left_as_they_are() -> None:
    found = report(stdin=subprocess.DEVNULL)
    places = found["places"]
    assert isinstance(places, dict)
    assert places["0"] == os.devnull
    assert places["1"].startswith("pipe:")
