"""Names the files of the machine and of this Python that every sealed process needs, and no others.

`/etc` is named file by file: it also holds `shadow` and private keys, which root could read.
"""

from __future__ import annotations

import os
import sys

from workbench.boundary import programs

PROGRAMS = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/nix/store", "/gnu/store", "/run/current-system"),
)
"""Where systems keep programs, libraries and what belongs to them."""

SETTINGS = (
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld-musl-x86_64.path"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/os-release", "/etc/alternatives"),
    *("/etc/localtime", "/etc/timezone", "/etc/terminfo", "/etc/mime.types", "/etc/locale.alias"),
    *("/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies"),
    f"/etc/python{sys.version_info.major}.{sys.version_info.minor}",
)
OWN_SETTINGS = ("/etc/workbench", "/etc/gitconfig")
"""What only this program and its git read."""

KERNEL = (
    *("/proc", "/sys/devices/system/cpu", "/sys/devices/system/node"),
    *("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    *("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)
"""What the machine has. Another process's memory and environment stay closed: /proc asks Landlock too."""

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

GRAPHICS = (
    *(
        "/dev/nvidiactl",
        "/dev/nvidia-uvm",
        "/dev/nvidia-uvm-tools",
        "/dev/nvidia-modeset",
        "/dev/nvidia-caps",
    ),
    *(f"/dev/nvidia{number}" for number in range(16)),
    *("/dev/kfd", "/dev/dri"),
)
"""The devices of graphics processors, for inference. From the vendors' documentation; not tried on one."""

_PYTHON_PARTS = (*programs.PARTS, "include", "ssl", "pyvenv.cfg")


def of_graphics() -> tuple[str, ...]:
    """Return where the drivers of graphics processors look for them: nothing where there is none."""
    return ("/sys",) if any(os.access(device, os.F_OK) for device in GRAPHICS) else ()


def of_python() -> tuple[str, ...]:
    """Return the files of this interpreter, its environment and its libraries."""
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    found = [os.path.join(prefix, part) for prefix in sorted(prefixes) for part in _PYTHON_PARTS]
    found += [os.path.dirname(os.__file__), *_own_site(), *_mapped()]
    return tuple(dict.fromkeys(found))


def of_package() -> tuple[str, ...]:
    """Return the directory of this very package, and of the themes beside it in a checkout."""
    package = package_directory()
    return package, os.path.join(os.path.dirname(package), "themes")


def package_directory() -> str:
    """Return where this package lies, whatever the search path says."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _own_site() -> tuple[str, ...]:
    """Return the user's own site directory, where this interpreter searches it."""
    site = sys.modules.get("site")
    place = getattr(site, "USER_SITE", None) if getattr(site, "ENABLE_USER_SITE", False) else None
    return (place,) if place else ()


def _mapped() -> tuple[str, ...]:
    """Return the libraries mapped now, wherever they lie: the next interpreter maps them again."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
            paths = {line[line.index("/") :].rstrip("\n") for line in lines if "/" in line}
    except OSError:
        return ()
    return tuple(sorted(path for path in paths if ".so" in os.path.basename(path)))
