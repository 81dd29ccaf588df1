"""Lists what an approved command tries: lines of shell, and a few lines of Python, that print `GOT`.

Names with `@` stand for places of the laboratory; `workbench.redteam.commanding` puts them in.
"""

from __future__ import annotations

import os

from workbench.boundary import command_attempt

SECRET, OUTSIDE, HOME, STATE, APPLICATION, WARD = "@SECRET", "@OUTSIDE", "@HOME", "@STATE", "@PID", "@WARD"

PRELUDE = """
import ctypes, errno, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def got(what): print("GOT", what, flush=True)
def tried(call, *arguments):
    try: got(call(*arguments))
    except OSError as error: print(error)
def called(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(each) for each in arguments))
    return result, errno.errorcode.get(ctypes.get_errno(), "")
"""
_ARM = os.uname().machine == "aarch64"
_SOCKET, _IO_URING, _UNSHARE, _PTRACE, _VM_READ = (
    (198, 425, 97, 117, 270) if _ARM else (41, 425, 272, 101, 310)
)
_ENVIRONMENT = f"""
left = set(os.environ) - set({sorted(command_attempt.VARIABLES)!r})
if left: got(sorted(left))
"""
_THREAD = """
import threading
t = threading.Thread(target=tried, args=(socket.socket,))
t.start(); t.join()
"""
_GRANDCHILD = "sh -c 'python3 -c \"import socket; socket.socket(); print(chr(71) + chr(79) + chr(84))\"'"


def _called(number: int, arguments: str, got: str) -> str:
    """Return a program that makes a system call, and says `GOT` where `got` holds of its result."""
    return f"r, e = called({number}, {arguments})\nif {got}: got(e or r)\nprint(e)"


def _on_a_child(attempt: str) -> str:
    """Return a program that makes an attempt on a process of its own, called `child`."""
    indented = attempt.replace("\n", "\n    ")
    return f"""
child = os.fork()
if not child:
    import time; time.sleep(30); os._exit(0)
try:
    {indented}
finally:
    os.kill(child, 9)
"""


def _ioctl(request: str) -> str:
    """Return a program that presses a key; on what is no terminal, only a filter answers EPERM."""
    return f"""
import fcntl
try:
    fcntl.ioctl(0, {request}, b'y')
except OSError as error:
    if error.errno != errno.EPERM: got(error)
else:
    got('a key')
"""


# Name, what it tries, `sh` or `py`, the attempt, the source.
TRIES: tuple[tuple[str, str, str, str, str], ...] = (
    ("read", "a file outside, by its path", "sh", "cat @SECRET", "S57 A7"),
    ("read_link", "a file outside, by a link", "sh", "ln -s @SECRET l && cat l", "S57 A1"),
    ("read_hard_link", "a file outside, by a hard link", "sh", "ln @SECRET h && cat h", "S57 A3"),
    ("read_moved", "a file outside, moved here", "sh", "mv @SECRET m && cat m && mv m @SECRET", "S57"),
    (
        "read_proc_root",
        "a file outside, through `/proc/self/root`",
        "sh",
        "cat /proc/self/root@SECRET",
        "S17",
    ),
    ("read_redirect", "a file outside, as standard input", "sh", "cat<@SECRET", "A19"),
    ("read_variable", "a file outside, its name in a variable", "sh", 'f=@SECRET; cat "$f"', "A21"),
    (
        "read_find",
        "a file outside, by `find -exec`",
        "sh",
        "find @OUTSIDE -name secret -exec cat {} +",
        "A20",
    ),
    ("read_worktree", "`.env` of the worktree, by its absolute path", "sh", "cat @WARD/.env", "S30 S40"),
    ("read_history", "what git keeps of `.env`", "sh", "cat @WARD/.git/stolen", "S40"),
    ("read_home", "the home directory", "sh", "ls @HOME/ >/dev/null && echo GOT", "S57"),
    (
        "read_ledger",
        "the ledgers, queues and keys of this program",
        "sh",
        "ls @STATE/ >/dev/null && echo GOT",
        "S67",
    ),
    (
        "read_environment",
        "the environment of the application",
        "sh",
        "head -c1 /proc/@PID/environ | grep -q . && echo GOT",
        "S57 A55",
    ),
    ("read_memory", "the memory of the application", "py", "tried(open, '/proc/@PID/mem', 'rb')", "S57"),
    (
        "read_descriptors",
        "the open files of the application",
        "py",
        "for each in range(30): tried(os.readlink, f'/proc/@PID/fd/{each}')",
        "S57",
    ),
    ("read_shadow", "the password file", "sh", "head -c1 /etc/shadow | grep -q . && echo GOT", "S57"),
    ("write", "a file outside", "sh", "echo x > @OUTSIDE/written && echo GOT", "A19"),
    ("write_append", "what a shell reads at its start", "sh", "echo x >> @OUTSIDE/secret && echo GOT", "A19"),
    (
        "write_tee",
        "a file outside, by `tee`",
        "sh",
        "echo x | tee @OUTSIDE/teed >/dev/null && echo GOT",
        "A25",
    ),
    (
        "write_sort",
        "a file outside, by `sort -o`",
        "sh",
        "echo x | sort -o @OUTSIDE/sorted && echo GOT",
        "A25",
    ),
    ("write_truncate", "cutting a file outside", "py", "tried(os.truncate, '@OUTSIDE/secret', 0)", "S57"),
    ("write_remove", "removing a file outside", "sh", "rm @OUTSIDE/secret && echo GOT", "A18"),
    ("write_link", "making a link outside", "sh", "ln -s x @OUTSIDE/made-link && echo GOT", "S57"),
    ("write_directory", "making a directory outside", "sh", "mkdir @OUTSIDE/made && echo GOT", "S57"),
    ("write_hook", "a git hook of the worktree", "sh", "echo x > @WARD/.git/planted && echo GOT", "S67 A16"),
    (
        "write_tmp",
        "a directory shared with other programs",
        "sh",
        "f=/dev/shm/workbench-redteam-$$; echo x > $f && echo GOT && rm $f",
        "A12",
    ),
    ("net_tcp", "a TCP socket", "py", "tried(socket.socket, socket.AF_INET, socket.SOCK_STREAM)", "S48 A67"),
    (
        "net_udp",
        "a UDP socket, for DNS",
        "py",
        "tried(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)",
        "S50 A67",
    ),
    ("net_tcp6", "an IPv6 socket", "py", "tried(socket.socket, socket.AF_INET6, socket.SOCK_STREAM)", "S48"),
    (
        "net_unix",
        "a UNIX socket: docker, ssh-agent, D-Bus, the resolver",
        "py",
        "tried(socket.socket, socket.AF_UNIX, socket.SOCK_STREAM)",
        "S51 S52",
    ),
    (
        "net_netlink",
        "a netlink socket",
        "py",
        "tried(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW)",
        "S53",
    ),
    (
        "net_high_bit",
        "a family with a bit that a careless filter compares",
        "py",
        _called(_SOCKET, "2 | 1 << 32, 1, 0", "r >= 0"),
        "S54",
    ),
    ("net_bash", "bash's own `/dev/udp`", "bash", "exec 3<>/dev/udp/127.0.0.1/53 && echo GOT", "S48 A19"),
    (
        "net_io_uring",
        "io_uring, which opens sockets past a filter",
        "py",
        _called(_IO_URING, "1, 0", "e not in ('ENOSYS', 'EPERM')"),
        "S55",
    ),
    ("net_thread", "a socket from a thread", "py", _THREAD, "S49 A67"),
    ("net_child", "a socket from a child of a child", "sh", _GRANDCHILD, "S49 A67"),
    ("escape_namespace", "a namespace of its own", "py", _called(_UNSHARE, "0x10000000", "r == 0"), "S56"),
    (
        "escape_privileges",
        "a program that gains privileges",
        "sh",
        "grep -q 'NoNewPrivs:.0' /proc/self/status && echo GOT",
        "S56 A20",
    ),
    (
        "escape_capabilities",
        "capabilities",
        "sh",
        "grep -q '^CapEff:.0*[1-9a-f]' /proc/self/status && echo GOT",
        "S56",
    ),
    (
        "escape_ptrace",
        "tracing another process",
        "py",
        _on_a_child(_called(_PTRACE, "16, child, 0, 0", "r == 0")),
        "S57",
    ),
    (
        "escape_memory",
        "reading another process's memory",
        "py",
        _on_a_child(_called(_VM_READ, "child, 0, 0, 0, 0, 0", "e != 'EPERM'")),
        "S57",
    ),
    ("escape_signal", "a signal to the application", "py", "tried(os.kill, @PID, 0)", "S59"),
    ("keys_tiocsti", "pressing keys on a terminal (TIOCSTI)", "py", _ioctl("0x5412"), "S58"),
    ("keys_console", "pressing keys on a console (TIOCLINUX)", "py", _ioctl("0x541C"), "S58"),
    ("keys_ptmx", "a terminal of its own", "py", "tried(os.open, '/dev/ptmx', os.O_RDWR)", "S58"),
    ("environment", "what the environment tells", "py", _ENVIRONMENT, "S62 A55"),
)
