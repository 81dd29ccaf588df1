"""Keeps what the agent proposes until a person has judged it, and carries out exactly what was approved."""

from workbench.review.desk import Choice, Desk, Result
from workbench.review.queue import Decided, Queue, Queued
from workbench.review.rendering import RenderedFile, Rendering, Row, RowKind
from workbench.review.signing import Signing

__all__ = [
    "Choice",
    "Decided",
    "Desk",
    "Queue",
    "Queued",
    "RenderedFile",
    "Rendering",
    "Result",
    "Row",
    "RowKind",
    "Signing",
]
