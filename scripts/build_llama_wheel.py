"""Builds the pinned llama-cpp-python wheel once per machine kind, and prints where it is.

Compiling takes minutes, so the wheel is kept under the user's cache, keyed by version, compiler flags,
platform and (for a native build) processor. The copies of the libraries that the build puts beside the
package, among them one that links sockets and OpenSSL, are taken out of the wheel; the package does not
load them.

Standard library only: it runs before anything is installed. The path is the last line on stdout.
"""

from __future__ import annotations

import base64
import csv
import fcntl
import hashlib
import io
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "llama-cpp-python"
DEFAULT_FLAGS = "-DGGML_NATIVE=ON"
FORCED_FLAGS = "-DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF"
"""Whatever the caller asks for, the wheel carries no code that could speak to a network."""
NETWORK_SYMBOLS = (b"getaddrinfo", b"socket", b"connect")
MINIMUM_PYTHON = (3, 11)


class BuildError(Exception):
    """The wheel could not be built; the message is one line for the person."""


def main() -> int:
    """Build or find the wheel, print its path, and return the exit code."""
    try:
        path = wheel()
    except BuildError as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Run it again to start over; nothing half-built was kept.\n")
        return 130
    sys.stdout.write(f"{path}\n")
    return 0


def wheel() -> Path:
    """Return the path of the wheel for this machine, building it if the cache has none.

    Raises:
        BuildError: No compiler, or pip failed; names the log.
    """
    version = pinned_version(ROOT / "pyproject.toml")
    flags = f"{os.environ.get('CMAKE_ARGS') or DEFAULT_FLAGS} {FORCED_FLAGS}"
    folder = cache_root() / "wheels" / cache_key(version, flags)
    if found := sorted(folder.glob("*.whl")):
        sys.stderr.write(f"{PACKAGE} {version}: already built.\n")
        return found[0]
    if problem := missing_tools():
        raise BuildError(problem)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        if found := sorted(folder.glob("*.whl")):
            return found[0]
        return build_into(folder, version, flags)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other checkouts from compiling the same at once: whoever comes second waits for the first."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write(f"Another build of {PACKAGE} is running; waiting for it ...\n")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_into(folder: Path, version: str, flags: str) -> Path:
    """Build the wheel and move it into `folder`, whole or not at all.

    Raises:
        BuildError: pip failed (names the log), or the wheel could speak to a network.
    """
    # Beside its final place, so that the rename at the end is atomic.
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder) as scratch:
        built = build(version, flags, Path(scratch), folder / "build.log")
        slim = Path(scratch) / "slim.whl"
        removed = strip_wheel(built, slim)
        if names := linked_to_network(slim):
            raise BuildError(f"The wheel still links network functions: {', '.join(names)}. It is not kept.")
        target = folder / built.name
        os.replace(slim, target)
    sys.stderr.write(f"Built {target.name}; took out {removed} files the package does not load.\n")
    return target


def pinned_version(pyproject: Path) -> str:
    """Return the exact version that `pyproject` pins.

    Raises:
        BuildError: There is no exact pin.
    """
    dependencies = tomllib.loads(pyproject.read_text("utf-8"))["project"]["dependencies"]
    for requirement in dependencies:
        if match := re.fullmatch(rf"{PACKAGE}\s*==\s*([0-9][\w.+!]*)", requirement.strip()):
            return match.group(1)
    raise BuildError(f"{pyproject.name} does not pin {PACKAGE} to one version.")


def cache_root() -> Path:
    """Return this user's cache for Workbench (XDG Base Directory Specification 0.8)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "workbench"


def cache_key(version: str, flags: str) -> str:
    """Return `<version>-<flags hash>-<platform>`; a native build also depends on the processor."""
    words = sorted(shlex.split(flags))
    native = not any(word.upper() in {"-DGGML_NATIVE=OFF", "-DGGML_NATIVE=0"} for word in words)
    material = "\n".join([*words, processor() if native else "any processor"])
    digest = hashlib.sha256(material.encode()).hexdigest()[:12]
    return f"{version}-{digest}-{sysconfig.get_platform()}"


def processor() -> str:
    """Return what tells this processor's instruction set from another's."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(wanted)))


def missing_tools() -> str:
    """Return one line saying what is missing for a build, or an empty string.

    CMake and Ninja are not looked for: the build backend brings them as wheels where the system has none.
    """
    missing = []
    for variable, names in (("CC", ("cc", "gcc", "clang")), ("CXX", ("c++", "g++", "clang++"))):
        chosen = shlex.split(os.environ.get(variable, ""))[:1]
        candidates = tuple(chosen) or names
        if not any(shutil.which(name) for name in candidates):
            missing.append(f"{'C++' if variable == 'CXX' else 'C'} compiler ({', '.join(candidates)})")
    if not missing:
        return ""
    return f"Cannot build {PACKAGE}: no {' and no '.join(missing)} found. Install one, such as g++ or clang."


def build(version: str, flags: str, scratch: Path, log: Path) -> Path:
    """Run pip, show how far it is, and return the wheel it made inside `scratch`.

    Raises:
        BuildError: pip ended with an error; names the log.
    """
    # Without --no-cache-dir pip hands back a wheel it once built with other flags.
    argv = [sys.executable, "-m", "pip", "wheel", "--verbose", "--no-deps", "--no-cache-dir"]
    argv += ["--no-binary", PACKAGE, "--wheel-dir", str(scratch), f"{PACKAGE}=={version}"]
    environment = {**os.environ, "CMAKE_ARGS": flags, "FORCE_CMAKE": "1"}
    sys.stderr.write(f"Building {PACKAGE} {version} (a few minutes, once). Log: {log}\n")
    started = time.monotonic()
    with log.open("wb") as output:
        # A group of its own, because stopping pip alone would leave its compilers at work.
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            _follow(process, log, started)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
    wheels = list(scratch.glob("*.whl"))
    if process.returncode or len(wheels) != 1:
        raise BuildError(f"pip wheel {PACKAGE}=={version} failed ({process.returncode}). Read {log}.")
    return wheels[0]


def _follow(process: subprocess.Popen[bytes], log: Path, started: float) -> None:
    """Show elapsed time and the compiler's own count until `process` ends."""
    tty = sys.stderr.isatty()
    interval = 1.0 if tty else 15.0
    while True:
        try:
            process.wait(timeout=interval)
            break
        except subprocess.TimeoutExpired:
            line = progress_line(_tail(log), time.monotonic() - started)
            sys.stderr.write(f"\r{line}\x1b[K" if tty else f"{line}\n")
            sys.stderr.flush()
    line = f"{time.monotonic() - started:.0f} s"
    sys.stderr.write(f"\r{line}\x1b[K\n" if tty else f"{line}\n")


def progress_line(log_tail: str, seconds: float) -> str:
    """Return one line that says how far a build is, from the end of its log."""
    elapsed = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    steps = re.findall(r"\[(\d+)/(\d+)\]", log_tail)
    if not steps:
        return f"{elapsed}  preparing"
    done, total = int(steps[-1][0]), max(1, int(steps[-1][1]))
    filled = min(20, done * 20 // total)
    return f"{elapsed}  [{'#' * filled}{'.' * (20 - filled)}] {done} of {total} files compiled"


def _tail(log: Path, size: int = 65536) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - size))
        return stream.read().decode("utf-8", "replace")


def strip_wheel(source: Path, target: Path) -> int:
    """Write `source` without what lies outside the package, RECORD corrected; return how many files went.

    Source for RECORD: Binary distribution format, "The .dist-info directory".
    """
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        names = [entry.filename for entry in old.infolist()]
        keep = [name for name in names if re.match(r"llama_cpp/|[^/]+\.dist-info/", name)]
        (record,) = [name for name in keep if name.endswith(".dist-info/RECORD")]
        rows = []
        for name in keep:
            if name == record:
                continue
            data = old.read(name)
            new.writestr(old.getinfo(name), data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append((name, f"sha256={digest}", str(len(data))))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*rows, (record, "", "")])
        new.writestr(old.getinfo(record), text.getvalue())
    return len(names) - len(keep)


def linked_to_network(wheel_file: Path) -> list[str]:
    """Return the shared libraries in `wheel_file` whose symbol names include a network function."""
    found = []
    with zipfile.ZipFile(wheel_file) as archive:
        for name in archive.namelist():
            if ".so" in name or name.endswith((".dylib", ".dll")):
                data = archive.read(name)
                if any(b"\0" + symbol + b"\0" in data for symbol in NETWORK_SYMBOLS):
                    found.append(name)
    return found


if __name__ == "__main__":
    if sys.version_info < MINIMUM_PYTHON:
        sys.stderr.write("Python 3.11 or newer is needed.\n")
        raise SystemExit(1)
    raise SystemExit(main())
