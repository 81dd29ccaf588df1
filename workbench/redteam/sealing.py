"""Attacks on the seal from inside this very process: every way to a network, a keyboard, or out.

The attempts are those of the boundary's self-test, one case each; besides, what this process has loaded is
looked through for anything that could speak to a network.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from workbench.boundary import abi, landlock
from workbench.boundary.attempts import ATTEMPTS
from workbench.boundary.attempts import Attempt as Call
from workbench.core import places
from workbench.core.errors import ModelError
from workbench.redteam.case import Attack, Breach, Case, Guard, Skip
from workbench.redteam.lab import Lab
from workbench.redteam.mapped import CARRIES_OPENSSL, importers, libraries

HOLDS = "the kernel refuses it"

CLIENTS = (
    *("http.client", "http.server", "urllib.request", "urllib3", "requests", "httpx", "aiohttp", "httpcore"),
    *("smtplib", "ftplib", "poplib", "imaplib", "nntplib", "telnetlib", "xmlrpc.client", "xmlrpc.server"),
    *("socketserver", "websockets", "grpc", "paramiko", "boto3", "botocore", "sentry_sdk", "posthog"),
    *("opentelemetry", "huggingface_hub", "uvicorn", "starlette", "mcp"),
)
"""Modules that speak a network's protocol, serve one, or report home."""

_TITLES = {
    "net.tcp": "a TCP socket",
    "net.tcp6": "an IPv6 socket",
    "net.udp": "a UDP socket",
    "net.udp6": "a UDP socket over IPv6",
    "net.raw": "a raw socket",
    "net.high_bit_family": "a family with a bit that a careless filter compares",
    "net.unix": "a UNIX socket: docker, ssh-agent, D-Bus, the resolver",
    "net.netlink": "a netlink socket",
    "net.packet": "a packet socket",
    "net.vsock": "a socket to the host of this machine",
    "net.bluetooth": "a Bluetooth socket",
    "net.alg": "a socket of the kernel's cryptography",
    "net.inet_pair": "a pair of network sockets",
    "net.datagram_pair": "a pair that takes an address",
    "net.connect": "connecting",
    "net.bind": "binding",
    "net.listen": "listening",
    "net.accept": "accepting",
    "net.accept4": "accepting, by the newer call",
    "net.sendto": "sending to an address",
    "net.io_uring": "io_uring, which opens sockets past a filter",
    "net.key_upcall": "a key that the kernel asks a program for",
    "net.tunnel": "a network device of its own",
    "net.take_descriptor": "taking an open socket from another process",
    "net.take_memory": "writing another process's memory",
    "net.take_process": "tracing another process",
    "net.bpf": "a program in the kernel",
    "tty.keystrokes": "pressing keys on the terminal (TIOCSTI)",
    "tty.keystrokes_high_bit": "the same, with a bit that a careless filter compares",
    "tty.console": "pressing keys on a console (TIOCLINUX)",
    "self.namespace": "a namespace of its own",
    "self.join_namespace": "joining a namespace",
    "self.clone": "a process in a namespace of its own",
    "self.clone3": "the same, by the newer call",
    "self.mount": "a mount",
}
_SOURCES = {
    "net.unix": "S51 S52 A67",
    "net.netlink": "S53",
    "net.packet": "S53",
    "net.vsock": "S53",
    "net.bluetooth": "S53",
    "net.high_bit_family": "S54",
    "net.io_uring": "S55",
    "net.listen": "A68 A70",
    "net.bind": "A68 A70",
    "net.accept": "A68",
    "net.accept4": "A68",
    "tty.keystrokes": "S58",
    "tty.keystrokes_high_bit": "S58",
    "tty.console": "S58",
    "self.namespace": "S56",
    "self.join_namespace": "S56",
    "self.clone": "S56",
    "self.clone3": "S56",
    "self.mount": "S56",
    "net.take_memory": "S57",
    "net.take_process": "S57",
}
_MEASURED = (
    ("net.new_thread", "every one of these from a new thread", "A67 S49"),
    ("net.every_thread", "a thread that is older than the seal", "A67"),
    ("net.child", "a socket from a child", "A67 S49"),
    ("net.open_sockets", "a socket that was inherited", "A67 A68"),
    ("net.dns", "looking a name up", "S50 A67"),
    ("self.no_new_privileges", "a program that gains privileges", "S56"),
    ("self.x32", "a socket through x32, from a child", "S54"),
    ("self.i386", "a socket through the 32-bit gate, from a child", "S54"),
    ("fs.read_outside", "reading the home directory, its keys, other repositories", "S57"),
    ("fs.write_outside", "writing the home directory, the root, other repositories", "S57"),
)


def _attempted(call: Call) -> Attack:
    def attack(_lab: Lab) -> str:
        machine = abi.native()
        if machine is None:
            raise Breach("there is no seal for this machine")
        held, detail = call.make(machine)
        if not held:
            raise Breach(detail)
        return detail

    return attack


def _measured(name: str) -> Attack:
    def attack(lab: Lab) -> str:
        check = next((check for check in lab.measured.checks if check.name == name), None)
        if check is None:
            raise Skip("this machine has no such way")
        if check.held:
            return check.detail
        if name.startswith("fs.") and not landlock.version():
            raise Skip("this kernel has no Landlock: level 2 promises files by policy only, and says so")
        raise Breach(check.detail)

    return attack


def _other_repositories(lab: Lab) -> str:
    """The ledgers of other repositories, beside this command's own directory."""
    if not landlock.version():
        raise Skip("this kernel has no Landlock: level 2 promises files by policy only, and says so")
    del lab
    outside = places.config_root().parent
    home = Path(os.environ.get("HOME", "/"))
    for place in (home / ".bash_history", home / ".netrc", outside / "gh", Path("/root"), Path("/home")):
        try:
            os.close(os.open(place, os.O_RDONLY | os.O_NONBLOCK))
        except OSError:
            continue
        raise Breach(f"{place} can be opened")
    return "refused"


def _start_a_program(lab: Lab) -> str:
    """Start a shell, and a program that was just made: this process may start Python and git alone."""
    if not landlock.version():
        raise Skip("this kernel has no Landlock: programs can be started, sealed off the network")
    made = lab.folder("made") / "program"
    made.write_text("#!/bin/sh\nexit 0\n")
    made.chmod(0o755)
    for program in ("/bin/sh", "/usr/bin/env", str(made)):
        try:
            child = os.posix_spawn(program, [program, "-c", "exit"], {})
        except OSError:
            continue
        os.waitpid(child, 0)
        raise Breach(f"{program} was started")
    return "refused: no shell, no program made here"


def _clients(_lab: Lab) -> str:
    loaded = sorted(set(CLIENTS) & set(sys.modules))
    if loaded:
        raise Breach(f"loaded: {', '.join(loaded)}")
    return f"none of {len(CLIENTS)} clients, servers and reporters is among {len(sys.modules):,} modules"


def _socket_libraries(_lab: Lab) -> str:
    """Load the model's library and the parsers too, then look at what is mapped."""
    import tree_sitter_python  # noqa: F401 - to have a grammar's library mapped

    from workbench.model import library

    try:
        library.load()
    except ModelError as error:
        raise Skip(error.cause) from None
    mapped = libraries()
    for path in mapped:
        if not path.endswith(CARRIES_OPENSSL) and (names := importers(path)):
            raise Breach(f"{path} imports {', '.join(sorted(names))}")
    return f"{len(mapped)} mapped libraries of packages; none imports them but OpenSSL inside cryptography"


def _python_socket(_lab: Lab) -> str:
    """The standard library's own module, from a thread."""
    import socket

    got: list[str] = []

    def try_it() -> None:
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
            try:
                socket.socket(family).close()
            except OSError:
                continue
            got.append(family.name)

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    if got:
        raise Breach(f"opened: {', '.join(got)}")
    return "refused for AF_INET, AF_INET6 and AF_UNIX"


_ARGUED = {
    "self.x32": "most kernels have no x32; tests/boundary sees the filter kill it where there is one",
    "self.i386": "needs 32-bit emulation in the kernel; tests/boundary sees the filter kill it",
    "net.dns": "an unsealed process is not asked to look a name up: that would be the very packet",
    "net.clients": "it reads the list of modules; tests/redteam/test_mapped.py loads one and sees it found",
    "net.socket_libraries": "it reads ELF files; tests/redteam/test_mapped.py shows it one that does",
    "net.open_sockets": "the test's process has none; tests/boundary/test_descriptors.py opens one",
}

CASES = (
    *(
        Case(
            f"seal.{call.name}",
            _TITLES.get(call.name, call.name),
            _SOURCES.get(call.name, "S48 A67"),
            HOLDS,
            Guard.SEAL,
            _attempted(call),
            _ARGUED.get(call.name, ""),
        )
        for call in ATTEMPTS
    ),
    *(
        Case(f"seal.{name}", title, source, HOLDS, Guard.SEAL, _measured(name), _ARGUED.get(name, ""))
        for name, title, source in _MEASURED
    ),
    Case(
        "seal.net.python", "Python's own sockets, from a thread", "S49 A67", HOLDS, Guard.SEAL, _python_socket
    ),
    Case(
        "seal.fs.persons_files",
        "files of the person that no command needs",
        "S57",
        HOLDS,
        Guard.SEAL,
        _other_repositories,
    ),
    Case(
        "seal.fs.programs",
        "starting a shell, or a program made here",
        "A18 A26",
        HOLDS,
        Guard.SEAL,
        _start_a_program,
    ),
    Case(
        "seal.net.clients",
        "a client or server of any protocol in this program",
        "A68 A69",
        "nothing of the kind is loaded",
        Guard.SEAL,
        _clients,
        _ARGUED["net.clients"],
    ),
    Case(
        "seal.net.socket_libraries",
        "a native library that could open sockets",
        "A69 A67",
        "no mapped library of a package imports the calls",
        Guard.SEAL,
        _socket_libraries,
        _ARGUED["net.socket_libraries"],
    ),
)
