"""The gate: the only room where effects happen; nothing above reaches files, git, processes or the model."""

from workbench.broker.broker import Broker
from workbench.broker.command_rows import Draft
from workbench.broker.committing import Commit, Wanted
from workbench.broker.running import Commands, Grant, Ran
from workbench.broker.writing import NewContent, digest

__all__ = ["Broker", "Commands", "Commit", "Draft", "Grant", "NewContent", "Ran", "Wanted", "digest"]
