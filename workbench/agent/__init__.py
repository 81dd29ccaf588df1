"""Turns a person's task into proposals: finds where, asks the model what, and checks before anyone looks."""

from workbench.agent.editor import Editor, Nothing, Observer, Proposed
from workbench.agent.targets import Target
from workbench.agent.testing import Tester

__all__ = ["Editor", "Nothing", "Observer", "Proposed", "Target", "Tester"]
