"""The first stage: shuts network and files off, then measures what the kernel really refuses.

`enter` is the first thing the program does; it runs on the standard library alone and imports as little of
that as it can, so that Textual, llama.cpp, SQLite and tree-sitter only ever load inside the seal. `measure`
asks the kernel, by real attempts, what holds now; every word about protection on screen comes from it.
`command_runner` starts approved commands, each confined to its own copy; `GitProfile` starts git, and git
nothing else.
"""

from importlib import import_module

from workbench.boundary.file_access import FileAccess
from workbench.boundary.stage0 import command_runner, enter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from workbench.boundary.git_profile import GitProfile
    from workbench.boundary.levels import Measurement
    from workbench.boundary.runner import CommandLimits, CommandResult, Runner, SocketAttempt
    from workbench.boundary.selftest import measure

__all__ = [
    "CommandLimits",
    "CommandResult",
    "FileAccess",
    "GitProfile",
    "Measurement",
    "Runner",
    "SocketAttempt",
    "command_runner",
    "enter",
    "measure",
]

_HOMES = {
    "CommandLimits": "runner",
    "CommandResult": "runner",
    "GitProfile": "git_profile",
    "Measurement": "levels",
    "Runner": "runner",
    "SocketAttempt": "runner",
    "measure": "selftest",
}


def __getattr__(name: str) -> object:
    """Load a name when it is first asked for: the first stage does not need it, and it costs milliseconds."""
    if name in _HOMES:
        return getattr(import_module(f"workbench.boundary.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
