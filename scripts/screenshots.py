"""Makes `screenshots/*.svg` from the running program: a real session, a real model, the sample repository.

Everything happens in a temporary directory, sealed from the network like the program itself. Needs one of
the models that `make model` fetches.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import ensure_model
import sample_repository

from workbench.boundary import enter
from workbench.core.errors import WorkbenchError
from workbench.core.places import cache_root

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "screenshots"
MODELS = ("qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b")
TASK = (
    "Fix `median` in vitals/summary.py: "
    "for an even number of readings return the mean of the two in the middle"
)
FONT_FACE = re.compile(r"@font-face \{.*?\}", re.DOTALL)
"""A picture must not make whoever looks at it fetch a font from a network."""
PATIENCE = 180.0
"""Seconds a step may take on a slow machine before the script gives up."""


def model_file() -> Path:
    """Return the largest model in the cache that these pictures can use.

    Raises:
        WorkbenchError: There is none.
    """
    for name in MODELS:
        for path in sorted((cache_root() / "models" / name).glob("*.gguf")):
            return path
    raise WorkbenchError("No model is in the cache.", "Run `make model` first.")


async def until(true: Callable[[], object], what: str) -> None:
    """Wait until something is so.

    Raises:
        WorkbenchError: It did not become so within `PATIENCE`.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while not true():
        if loop.time() > end:
            raise WorkbenchError(f"The picture could not be made: {what} did not happen.")
        await asyncio.sleep(0.05)


async def take(repository: Path) -> None:
    """Run the program on `repository` and take every picture."""
    from workbench.session import Options, Session
    from workbench.session.views import Activity
    from workbench.tui.guard import ARMING
    from workbench.tui.start import make_app

    session = Session.open(repository, Options(accept_unenforced=True))
    app = make_app(session)

    def picture(name: str) -> None:
        svg = FONT_FACE.sub("", app.export_screenshot(title="Workbench", simplify=True))
        (TARGET / f"{name}.svg").write_text(svg, encoding="utf-8")
        print(f"screenshots/{name}.svg")

    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: session.status().activity is Activity.READY, "loading the model")
            await until(lambda: not app.under_way, "reading the repository")
            await pilot.pause()
            picture("start")
            await pilot.press(*TASK)
            await asyncio.sleep(0.1)
            await pilot.press("enter")
            await until(lambda: session.status().activity is Activity.GENERATING, "generating")
            await until(lambda: session.status().waiting, "a proposal")
            await until(lambda: app.desk.on_screen, "the arrival of the proposal")
            await pilot.press("ctrl+r")
            await until(lambda: app.desk.guard.armed_since is not None, "showing the proposal")
            await pilot.pause()
            picture("review")
            await pilot.resize_terminal(80, 24)
            await pilot.pause(ARMING * 2)
            picture("review-80x24")
            await pilot.resize_terminal(200, 60)
            await pilot.pause(ARMING * 2)
            picture("wide")
            await pilot.press("y")
            await until(lambda: not session.status().waiting, "the approval")
            await pilot.resize_terminal(120, 28)
            await pilot.press("4", "f")
            await until(lambda: not app.under_way, "reading the ledger")
            await pilot.pause(0.5)
            picture("audit")
    finally:
        session.close()


def main() -> int:
    """Make the sample repository, seal this process, take the pictures."""
    TARGET.mkdir(exist_ok=True)
    try:
        model = model_file()
        with tempfile.TemporaryDirectory(prefix="workbench-screenshots-") as folder:
            repository = Path(folder) / "vitals"
            sample_repository.make(repository)
            for name in ("WORKBENCH_STATE", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
                os.environ[name] = str(Path(folder) / name.lower())
            subprocess.run([ensure_model.WORKBENCH, "model", "add", str(model)], check=True)
            enter([], reexec=False)
            asyncio.run(take(repository))
    except WorkbenchError as error:
        print(error.diagnostics(), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
