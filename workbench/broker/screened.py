"""Screens what goes to an agent or the model for protected values, with each finding on record."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from workbench.core.errors import Refused
from workbench.core.records import Event, FileContent, Json, Principal
from workbench.policy import Policy

if TYPE_CHECKING:
    from workbench.broker.examining import Examined, Examiner


class Screened(ABC):
    """The part of the gate that every text passes on its way to an agent."""

    policy: Policy

    def __init__(self) -> None:
        """Begin with no value held."""
        self._examiner: Examiner | None = None
        self._examining = threading.Lock()

    @abstractmethod
    def record(self, *events: Event) -> int:
        """Append events to the ledger."""

    @property
    def examiner(self) -> Examiner:
        """What looks for protected values; its rules take 0.1 s to load, so they come with the first use."""
        with self._examining:
            if self._examiner is None:
                from workbench.broker.examining import Examiner

                self._examiner = Examiner()
            return self._examiner

    def close(self) -> None:
        """Destroy the values that were taken out of texts, and what findings were kept under."""
        if self._examiner is not None:
            self._examiner.close()

    def _as_seen_by(self, actor: Principal, content: FileContent) -> FileContent:
        """Return a file as it is handed out: to a person as it is, to anyone else without its values."""
        if actor.kind == "human":
            return content
        try:
            examine = self.examiner.file if actor.kind == "agent" else self.examiner.kept
            shown, examined = examine(self.policy, content)
        except Refused as error:
            outcome: dict[str, Json] = {"status": "denied", "code": "forged", "detail": error.cause}
            obj: dict[str, Json] = {"kind": "scan", "path": content.path}
            self.record(Event("scan.completed", actor, fields={"obj": obj, "outcome": outcome}))
            raise
        self._record_scan(examined, content.path, actor)
        if examined.stopped:
            raise examined.refusal(content.path)
        return shown

    def view(self, what: str, data: bytes, *, actor: Principal, path: str | None = None) -> bytes:
        """Return a text that is of no file, such as what a command printed, as an agent may see it.

        Args:
            what: What it is, for the record and the refusal: "The output of pytest".
            path: The file it is about, where there is one: its labels count.

        Raises:
            Refused: It holds what policy blocks; that is on record.
        """
        view = self.examiner.view(self.policy, data, path=path)
        self._record_scan(view.examined, what, actor)
        if view.examined.stopped:
            raise view.examined.refusal(what)
        return view.data

    def foresee(self, text: str) -> str:
        """Return what is found in a person's words and what would happen to it; records and sends nothing.

        Raises:
            Refused: They hold what policy blocks, or a placeholder.
        """
        examined = self.examiner.task(self.policy, text).examined
        if examined.stopped:
            raise examined.refusal("The task")
        return examined.told("The task")

    def task(self, text: str, *, actor: Principal) -> str:
        """Return a person's words as the model may see them.

        Raises:
            Refused: They hold what policy blocks, or a placeholder.
        """
        view = self.examiner.task(self.policy, text)
        self._record_scan(view.examined, "task", actor)
        if view.examined.stopped:
            raise view.examined.refusal("The task")
        return view.data.decode("utf-8", "surrogatepass")

    def _record_scan(self, examined: Examined, what: str, actor: Principal) -> None:
        if examined.found:
            obj: dict[str, Json] = {"kind": "scan", "path": what}
            status = "denied" if examined.stopped else "success"
            outcome: dict[str, Json] = {"status": status, "code": "", "detail": ""}
            fields: dict[str, Json] = {"obj": obj, "scan": examined.row, "outcome": outcome}
            self.record(Event("scan.completed", actor, fields=fields))
