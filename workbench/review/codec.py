"""Writes proposals and decisions as JSON and reads them back, so that the queue outlives the process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from workbench.core.errors import WorkbenchError
from workbench.core.records import (
    CheckResult,
    CheckVerdict,
    Command,
    Decision,
    FileChange,
    Inference,
    LeftOut,
    Principal,
    Proposal,
    Risk,
    Span,
)


def encode(proposal: Proposal) -> str:
    """Return `proposal` as JSON; paths with undecodable bytes survive as escaped surrogates."""
    return json.dumps(asdict(proposal), ensure_ascii=True, separators=(",", ":"))


def decode(text: str) -> Proposal:
    """Return the proposal that `encode` wrote.

    Raises:
        WorkbenchError: The text is not one of ours, or was damaged.
    """
    with _damage("proposal"):
        fields: dict[str, Any] = json.loads(text)
        fields["author"] = Principal(**fields["author"])
        fields["changes"] = tuple(FileChange(**change) for change in fields["changes"])
        fields["spans"] = tuple(Span(**span) for span in fields["spans"])
        fields["inferences"] = tuple(Inference(**inference) for inference in fields["inferences"])
        fields["checks"] = tuple(_check(check) for check in fields["checks"])
        fields["risk"] = Risk(fields["risk"])
        command = fields.get("command")
        fields["command"] = Command(tuple(command["argv"]), command["seconds"]) if command else None
        return Proposal(**fields)


def encode_decision(decision: Decision) -> str:
    """Return `decision` as JSON."""
    return json.dumps(asdict(decision), ensure_ascii=True, separators=(",", ":"))


def decode_decision(text: str) -> Decision:
    """Return the decision that `encode_decision` wrote.

    Raises:
        WorkbenchError: The text is not one of ours, or was damaged.
    """
    with _damage("decision"):
        fields: dict[str, Any] = json.loads(text)
        fields["by"] = Principal(**fields["by"])
        fields["left_out"] = tuple(LeftOut(**hunk) for hunk in fields["left_out"])
        fields["hunks"], fields["split"] = tuple(fields["hunks"]), tuple(fields["split"])
        return Decision(**fields)


def encode_changes(changes: Sequence[FileChange]) -> str:
    """Return changes as JSON."""
    return json.dumps([asdict(change) for change in changes], ensure_ascii=True, separators=(",", ":"))


def decode_changes(text: str) -> tuple[FileChange, ...]:
    """Return the changes that `encode_changes` wrote.

    Raises:
        WorkbenchError: The text is not one of ours, or was damaged.
    """
    with _damage("decision"):
        return tuple(FileChange(**change) for change in json.loads(text))


@contextmanager
def _damage(what: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WorkbenchError(
            f"A stored {what} cannot be read back ({type(error).__name__}: {error}).",
            "The queue file may be damaged: `workbench audit log` still has every proposal and decision.",
        ) from error


def _check(fields: dict[str, Any]) -> CheckResult:
    return CheckResult(**{**fields, "verdict": CheckVerdict(fields["verdict"])})
