"""Registers, lists and verifies model files."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from pathlib import Path

from workbench.model import AddProgress, RegisteredModel, Registry, try_file


def run(options: Namespace) -> int:
    """Run `model add`, `list`, `verify` or `trial`."""
    return _VERBS[options.verb](options)


def _add(options: Namespace) -> int:
    model = Registry().add(Path(options.file), name=options.name, progress=_Bar())
    _print(options, model, f"Added {model.name}: {model.size:,} bytes, sha256 {model.sha256}")
    return 0


def _list(options: Namespace) -> int:
    models = Registry().list()
    if options.json:
        print(json.dumps([_fields(model) for model in models]))
        return 0
    for model in models:
        print(f"{model.name}  {model.size / 1e9:.2f} GB  sha256 {model.sha256[:16]}  {model.path}")
    if not models:
        print("No models. Add one: `workbench model add FILE`, or `make model`.")
    return 0


def _verify(options: Namespace) -> int:
    registry = Registry()
    names = [options.name] if options.name else [model.name for model in registry.list()]
    for name in names:
        model = registry.verify(name, _Bar())
        _print(options, model, f"{model.name}: the file still has sha256 {model.sha256}")
    if not names and not options.json:
        print("No models. Add one: `workbench model add FILE`, or `make model`.")
    return 0


def _trial(options: Namespace) -> int:
    header = try_file(Path(options.file))
    facts = {"architecture": header.architecture, "context": header.context_length, "size": header.size}
    line = (
        f"{options.file}: loads and answers ({header.architecture}, context {header.context_length:,} tokens)"
    )
    print(json.dumps(facts) if options.json else line)
    return 0


def _fields(model: RegisteredModel) -> dict[str, object]:
    return {
        "name": model.name,
        "path": str(model.path),
        "sha256": model.sha256,
        "size": model.size,
        "family": model.family,
        "context": model.context_length,
        "added": model.added,
    }


def _print(options: Namespace, model: RegisteredModel, line: str) -> None:
    print(json.dumps(_fields(model)) if options.json else line)


class _Bar:
    """Draws how far it is on stderr, once the work has taken two seconds."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._width = 0

    def __call__(self, at: AddProgress) -> None:
        elapsed = time.monotonic() - self._began
        if elapsed < 2 or not sys.stderr.isatty():
            return
        done, total = at.done, at.total
        if not total:
            self._draw(f"{at.stage} {elapsed:.0f} s")
            return
        filled = 30 * done // max(total, 1)
        left = elapsed * (total - done) / max(done, 1)
        bar = f"[{'#' * filled}{'.' * (30 - filled)}]"
        self._draw(
            f"{at.stage} {bar} {done / 1e9:.1f}/{total / 1e9:.1f} GB {left:.0f} s left"
            if done < total
            else ""
        )

    def _draw(self, text: str) -> None:
        sys.stderr.write(f"\r{text.ljust(self._width)}" if text else f"\r{' ' * self._width}\r")
        sys.stderr.flush()
        self._width = len(text)


_VERBS = {"add": _add, "list": _list, "verify": _verify, "trial": _trial}
