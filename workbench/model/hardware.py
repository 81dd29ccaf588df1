"""Measures what this machine can give a model: processor cores and free memory."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from workbench.core.errors import ModelError
from workbench.model.gguf import Header

_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
_CGROUP = Path("/sys/fs/cgroup")
NICENESS = 5
"""How far the model stands back (0 to 19)."""
_WORKING_BYTES = 256 << 20
"""Compute buffers and the library itself, measured with headroom."""


def physical_cores() -> int:
    """Return how many physical cores this process may use: affinity, siblings and quota counted."""
    try:
        usable = sorted(os.sched_getaffinity(0))
    except AttributeError:
        return max(1, os.cpu_count() or 1)
    cores = {_read(Path(_TOPOLOGY.format(cpu))) or str(cpu) for cpu in usable}
    return max(1, min(len(cores), _quota() or len(cores)))


def give_way() -> None:
    """Let every other thread of this machine go before this one, and before the threads it will start.

    With as many computing threads as cores, a key would else wait for a time slice (measured: 20 ms more at
    the 95th percentile). On an idle machine it costs nothing. Linux keeps a priority for each thread
    (setpriority(2), "C library/kernel differences").
    """
    if sys.platform == "linux":
        # A system that does not allow it only answers keys later.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def available_memory() -> int | None:
    """Return the bytes that can be taken without swapping, or None where the system does not say."""
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) * 1024
            limit = _cgroup_room()
            return free if limit is None else min(free, limit)
    return None


def needed_memory(header: Header, context_size: int) -> int:
    """Return an upper estimate of the bytes that a model with `context_size` tokens of context takes.

    Measured for a 1.5B Q4_K_M: the weights once as a file and 0.6 times again, repacked for the processor.
    """
    return header.size * 16 // 10 + header.cache_bytes_per_token * context_size + _WORKING_BYTES


def require_memory(header: Header, context_size: int, free: int | None) -> None:
    """Return if the model fits into `free` bytes, or if nobody knows.

    Raises:
        ModelError: It does not fit; says what is needed and what is there.
    """
    needed = needed_memory(header, context_size)
    if free is None or needed <= free:
        return
    raise ModelError(
        f"The model needs about {_mib(needed)} MiB with a context of {context_size} tokens, "
        f"and {_mib(free)} MiB are free.",
        "Close other programs, choose a smaller context, or choose a smaller model.",
    )


def _quota() -> int | None:
    """Return the whole cores that a container's quota allows, rounded up."""
    words = _read(_CGROUP / "cpu.max").split()
    if len(words) != 2 or not words[0].isdigit() or not words[1].isdigit() or words[1] == "0":
        return None
    return max(1, -(-int(words[0]) // int(words[1])))


def _cgroup_room() -> int | None:
    limit, used = _read(_CGROUP / "memory.max"), _read(_CGROUP / "memory.current")
    if not limit.isdigit() or not used.isdigit():
        return None
    return max(0, int(limit) - int(used))


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""


def _mib(count: int) -> int:
    return -(-count // (1 << 20))
