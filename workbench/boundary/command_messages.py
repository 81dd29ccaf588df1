"""Writes and reads the messages between the application and its command runner.

One message is one packet of a connected SOCK_SEQPACKET pair: a letter, the number of the run it is about,
and a payload, which is output as it came or one JSON object.

The runner takes every message from the application as if it came from somebody hostile: a model file may
have taken the application over. What a request can ask for is bounded here, and what a command can do is
fixed where the runner was forked.
"""

from __future__ import annotations

import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

START, CANCEL = b"S", b"C"
READY, OUTPUT, ENDED = b"R", b"O", b"E"

MAX_BYTES = 128 << 10
"""The longest message; a packet has to fit into the socket's buffer, which is at least this large."""
OUTPUT_BYTES = 32 << 10

LIMITS = {
    "cpu_seconds": "RLIMIT_CPU",
    "memory_bytes": "RLIMIT_AS",
    "file_bytes": "RLIMIT_FSIZE",
    "open_files": "RLIMIT_NOFILE",
    "processes": "RLIMIT_NPROC",
}
"""The limits that the kernel keeps for each process, and its names for them."""
# limit: a command that a person waits for; a day is longer than any.
MAX_SECONDS = 86_400.0
# limit: what is kept of a command's output is shown to a person and to a model.
MAX_OUTPUT_BYTES = 64 << 20

_HEAD = struct.Struct("<cI")


class Request:
    """One command as the application asks for it, checked."""

    __slots__ = ("argv", "environment", "limits", "loopback", "output_bytes", "seconds", "shadow")

    def __init__(
        self,
        argv: list[str],
        shadow: str,
        environment: dict[str, str],
        limits: dict[str, int],
        *,
        seconds: float,
        output_bytes: int,
        loopback: bool,
    ) -> None:
        self.argv = argv
        self.shadow = shadow
        """Relative to the directory beneath which commands run."""
        self.environment = environment
        self.limits = limits
        """By the names of `LIMITS`."""
        self.seconds = seconds
        self.output_bytes = output_bytes
        self.loopback = loopback


def pack(kind: bytes, run: int, payload: bytes = b"") -> bytes:
    """Return one message."""
    return _HEAD.pack(kind, run) + payload


def pack_fields(kind: bytes, run: int, fields: Mapping[str, object]) -> bytes:
    """Return one message that carries `fields`."""
    return pack(kind, run, json.dumps(fields).encode("ascii"))


def unpack(message: bytes) -> tuple[bytes, int, bytes]:
    """Return kind, run and payload.

    Raises:
        ValueError: It is no message.
    """
    if len(message) < _HEAD.size:
        raise ValueError("a message is too short")
    kind, run = _HEAD.unpack_from(message)
    return kind, run, message[_HEAD.size :]


def read_fields(payload: bytes) -> dict[str, object]:
    """Return the fields that a payload carries.

    Raises:
        ValueError: They cannot be read.
    """
    try:
        fields = json.loads(payload)
    except RecursionError:
        fields = None
    if isinstance(fields, dict):
        return fields
    raise ValueError("a message carries no fields")


def read_request(payload: bytes) -> Request:
    """Return the request in a START message.

    Raises:
        ValueError: It is not one; the message says what is wrong.
    """
    fields = read_fields(payload)
    argv = _texts(fields.get("argv"), "argv")
    environment = fields.get("environment", {})
    if not isinstance(environment, dict) or not argv or not argv[0]:
        raise ValueError("there is no command")
    names = _texts(list(environment), "environment")
    values = _texts(list(environment.values()), "environment")
    if any(not name or "=" in name for name in names):
        raise ValueError("a variable has an impossible name")
    limits = fields.get("limits", {})
    if not isinstance(limits, dict) or set(limits) - set(LIMITS):
        raise ValueError("a limit is not known")
    return Request(
        argv,
        _texts([fields.get("shadow")], "shadow")[0],
        dict(zip(names, values, strict=True)),
        {str(name): _whole(value, str(name)) for name, value in limits.items()},
        seconds=min(float(_whole(fields.get("milliseconds"), "milliseconds")) / 1000, MAX_SECONDS),
        output_bytes=min(_whole(fields.get("output_bytes"), "output_bytes"), MAX_OUTPUT_BYTES),
        loopback=fields.get("loopback") is True,
    )


def _texts(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) and "\0" not in word for word in value):
        raise ValueError(f"{name} is not a list of words")
    return value


def _whole(value: object, name: str) -> int:
    # The kernel keeps limits in 64 bits; half of that is enough for anybody.
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError(f"{name} is not a whole number")
    return value
