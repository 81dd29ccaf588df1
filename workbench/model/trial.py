"""Loads an untrusted model file in a throw-away child, because a bad one kills the process that loads it.

The child gets the open descriptor of the file that was hashed, an environment of our making, limits on
memory and processor time and no core file. It loads, evaluates a few tokens, and says so in one line.
However it dies, this process only learns that it did.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import workbench
from workbench.core.errors import ModelError, WorkbenchError
from workbench.core.safe_text import one_line
from workbench.model import files, hardware
from workbench.model.gguf import Header, read_header_from

_INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR")
_BASE_SECONDS = 60
_BYTES_PER_SECOND = 20 << 20
"""A slow disk; a file that takes longer to load than this is refused."""
_BASE_MEMORY = 6 << 30
"""Address space for the interpreter, its libraries and the stacks and heaps of the threads."""
_POLL_SECONDS = 0.1
CONTEXT = 256
"""Tokens of context a trial opens."""
_ANSWER_BYTES = 4096


def run(stream: BinaryIO, path: Path, on_wait: Callable[[], None] | None = None) -> None:
    """Return if the open model file loads and computes in a child.

    Args:
        stream: The file, as it was hashed.
        path: Where it is, for systems that cannot reopen a descriptor.
        on_wait: Called at once and then ten times a second; what it raises ends the trial.

    Raises:
        ModelError: The child crashed, took too long, or reports that the file cannot be used.
    """
    size = os.fstat(stream.fileno()).st_size
    seconds = _BASE_SECONDS + size // _BYTES_PER_SECOND
    argv = [sys.executable, "-P", "-m", "workbench.model.trial", files.loadable_path(stream, path), path.name]
    try:
        child = subprocess.Popen(
            [*argv, str(size), str(seconds)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            pass_fds=(stream.fileno(),),
            start_new_session=True,
        )
    except OSError as error:
        raise ModelError(
            f"The trial of the model file cannot be started: {error.strerror}.",
            "Check that this program may start processes.",
        ) from error
    with child:
        try:
            _wait(child, time.monotonic() + seconds, on_wait)
        finally:
            if child.poll() is None:
                child.kill()
        # The child writes less than a pipe holds, so it never waits for us.
        answer = child.stdout.read(_ANSWER_BYTES) if child.stdout else b""
    _judge(child.returncode, answer, path.name)


def try_file(path: Path) -> Header:
    """Check and try the model file at `path` without registering it, and return its header.

    Raises:
        ModelError: Its header breaks a rule, or it fails its trial.
    """
    with files.opened(path) as stream:
        header = read_header_from(stream, path.name)
        hardware.require_memory(header, CONTEXT, hardware.available_memory())
        run(stream, path)
    return header


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    root = str(Path(workbench.__file__).parent.parent)
    return {**kept, "PYTHONPATH": root, "OMP_WAIT_POLICY": "PASSIVE", "GGML_NO_BACKTRACE": "1"}


def _wait(child: subprocess.Popen[bytes], deadline: float, on_wait: Callable[[], None] | None) -> None:
    while True:
        if on_wait is not None:
            on_wait()
        try:
            child.wait(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                raise ModelError(
                    "The trial of the model file took too long and was stopped.",
                    "Copy the file to a local disk and try again; if it takes long there too, do not use it.",
                ) from None
        else:
            return


def _judge(code: int, answer: bytes, label: str) -> None:
    shown = one_line(label)
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        raise ModelError(
            f"{shown} crashes the loader ({name}): refused.",
            "Do not use this file; fetch it again from where it came.",
        )
    try:
        outcome = json.loads(answer)
        fine, cause = outcome["ok"] is True, str(outcome["cause"])
    except (ValueError, KeyError, TypeError):
        fine, cause = False, f"the trial ended with code {code} and no result"
    if code == 0 and fine:
        return
    raise ModelError(f"{shown} failed its trial: {one_line(cause)}", "Choose another model file.")


def main(argv: list[str]) -> int:
    """Run in the child: load, compute, and write the outcome as one line of JSON."""
    path, label, size, seconds = argv[0], argv[1], int(argv[2]), int(argv[3])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds * 4, seconds * 4))
    memory = _BASE_MEMORY + 3 * size
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # Only after the limits: importing the engine maps the native library.
    from workbench.model.engine import EngineSettings
    from workbench.model.native import NativeModel

    outcome: dict[str, bool | str] = {"ok": True, "cause": ""}
    try:
        settings = EngineSettings(context_size=CONTEXT, n_batch=32, n_ubatch=32)
        native = NativeModel(path, label, settings, min(4, hardware.physical_cores()), lambda _fraction: True)
        native.try_out()
    except WorkbenchError as error:
        outcome = {"ok": False, "cause": error.cause[:1000]}
    except MemoryError:
        outcome = {"ok": False, "cause": "it needs more memory than a trial may take."}
    sys.stdout.write(json.dumps(outcome))
    sys.stdout.flush()
    # Without the interpreter's farewell: nothing native is left that could still make noise.
    os._exit(0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
