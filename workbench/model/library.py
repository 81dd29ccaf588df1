"""Loads llama.cpp's binding once, silenced and fenced, and hands out its low-level functions.

The rules:

1. The environment is set before the library is mapped: waiting threads sleep instead of spinning (3.4 to
   8 times faster on a busy machine), and an abort does not start a debugger that prints to standard output.
2. `diskcache`, which the binding imports and we never use, unpickles files (CVE-2025-69872): it is replaced
   by an empty module.
3. The library's log goes to the logger `workbench.model.llama`, never to descriptor 1 or 2.
4. Only the version whose structs we know is accepted.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import logging
import os
import sys
import threading
import types
from typing import Any

from workbench.core.errors import ModelError

SUPPORTED = "0.3.36"
"""The pinned version; its struct layouts follow llama.cpp's main branch."""

logger = logging.getLogger("workbench.model.llama")
# Without a handler, logging's last resort would print warnings to standard error, over the screen.
logger.addHandler(logging.NullHandler())

# ggml.h: NONE, DEBUG, INFO, WARN, ERROR, CONT (continues the previous message).
_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.INFO, 4: logging.ERROR}

_lock = threading.Lock()
_loaded: Any = None
_errors: list[str] = []


def load() -> Any:
    """Return the module of low-level functions, loading it on the first call.

    Raises:
        ModelError: llama-cpp-python is missing, or not the pinned version.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _import()
    return _loaded


def version() -> str:
    """Return the name and version of the loaded library."""
    return f"llama-cpp-python {SUPPORTED}"


def last_errors() -> str:
    """Return the latest errors that llama.cpp reported, in one line, and forget them."""
    text = "; ".join(dict.fromkeys(_errors[-3:]))
    _errors.clear()
    return text


def _import() -> Any:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    sys.modules.setdefault("diskcache", types.ModuleType("diskcache"))
    try:
        package = importlib.import_module("llama_cpp")
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(
            f"The inference library cannot be loaded: {error}.", "Install llama-cpp-python for this machine."
        ) from error
    if package.__version__ != SUPPORTED:
        raise ModelError(
            f"llama-cpp-python is version {package.__version__}, not {SUPPORTED}.",
            f"Install llama-cpp-python=={SUPPORTED}.",
        )
    library = package.llama_cpp
    # Kept for the life of the process: the library calls it until the very end.
    library.workbench_log_callback = library.llama_log_callback(_log)
    library.llama_log_set(library.workbench_log_callback, None)
    library.llama_backend_init()
    atexit.register(_silence, library)
    return library


def _log(level: int, text: bytes | None, _user_data: object) -> None:
    # Called from native code: nothing may be raised here.
    message = (text or b"").decode("utf-8", "replace").strip()
    if not message or message == ".":
        return
    if _LEVELS.get(level) == logging.ERROR:
        _errors.append(message[:300])
        del _errors[:-20]
    logger.log(_LEVELS.get(level, logging.DEBUG), "%s", message)


def _silence(library: Any) -> None:
    """Put a native function in place of ours, which must not be called once the interpreter is going."""
    absolute = ctypes.CDLL(None).abs
    library.llama_log_set(ctypes.cast(absolute, library.llama_log_callback), None)
