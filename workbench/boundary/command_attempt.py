"""Tries, as an approved command, what no approved command may do, and says what came of it.

A script of the self-test, copied into a directory of its own and run there by the command runner, in an
isolated interpreter. Its arguments are the application's process id and places that must be out of reach. It
prints one line for each check: `1` or `0` for whether it held, its name, and a detail.
"""

import _socket
import os
import sys

FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
VARIABLES = {
    *("PATH", "HOME", "TMPDIR", "PWD", "TERM", "LANG", "LC_ALL", "LC_CTYPE", "TZ"),
    *("PYTHONDONTWRITEBYTECODE", "GIT_CONFIG_NOSYSTEM", "GIT_TERMINAL_PROMPT"),
}
NAMESPACES = ("pid", "net", "mnt", "user")


def sockets() -> str:
    """Return the families of which a socket could be opened."""
    return " ".join(name for name, family in FAMILIES.items() if _opens_socket(family))


def readable(places: list[str]) -> str:
    """Return those of `places` that could be opened."""
    return " ".join(place for place in places if _opens(place, os.O_RDONLY))


def writable(places: list[str]) -> str:
    """Return those of `places` in which a file could be made, which is removed again."""
    found = []
    for place in places:
        path = os.path.join(place, f".workbench-self-test-{os.getpid()}")
        if _opens(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL):
            os.unlink(path)
            found.append(place)
    return " ".join(found)


def terminal() -> str:
    """Return what of a terminal is within reach."""
    found = ["/dev/tty"] if _opens("/dev/tty", os.O_RDWR | os.O_NOCTTY) else []
    if any(os.isatty(stream) for stream in range(3)):
        found.append("a standard stream")
    return " ".join(found)


def variables() -> str:
    """Return the names of variables that nobody meant for a command."""
    return " ".join(sorted(set(os.environ) - VARIABLES))


def namespaces() -> str:
    """Return the ids of the namespaces that this command is in."""
    return " ".join(f"{name}:{os.stat(f'/proc/self/ns/{name}').st_ino}" for name in NAMESPACES)


def signals(process: int) -> str:
    """Return `process` if it could be signalled."""
    try:
        os.kill(process, 0)
    except OSError:
        return ""
    return str(process)


def _opens_socket(family: int) -> bool:
    try:
        _socket.socket(family, _socket.SOCK_STREAM if family != FAMILIES["AF_NETLINK"] else _socket.SOCK_RAW)
    except OSError:
        return False
    return True


def _opens(path: str, flags: int) -> bool:
    try:
        os.close(os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600))
    except OSError:
        return False
    return True


if __name__ == "__main__":
    for name, found in (
        ("cmd.sockets", sockets()),
        ("cmd.read_outside", readable(sys.argv[2:])),
        ("cmd.write_outside", writable(sys.argv[2:])),
        ("cmd.terminal", terminal()),
        ("cmd.environment", variables()),
        ("info.signals", signals(int(sys.argv[1]))),
    ):
        sys.stdout.write(f"{int(not found)} {name} {found}\n")
    sys.stdout.write(f"1 isolated.namespaces {namespaces()}\n")
