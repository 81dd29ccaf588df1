"""Carries what the editor does, on the thread of its task, to the transcript and the pulse."""

from __future__ import annotations

from workbench.core.safe_text import one_line
from workbench.model import PromptProgress, TextPiece
from workbench.session.pulse import Pulse
from workbench.session.transcript import Transcript
from workbench.session.views import Activity, Speaker


class Watcher:
    """Hears one task (see `workbench.agent.Observer`)."""

    def __init__(self, transcript: Transcript, pulse: Pulse) -> None:
        """Write to these two."""
        self._transcript = transcript
        self._pulse = pulse
        self._answer = ""

    def note(self, text: str) -> None:
        """Say what happened."""
        self._transcript.add(Speaker.PROGRAM, one_line(text))
        self._pulse.turn(Activity.WORKING)

    def answer_began(self) -> None:
        """Begin a new entry with the next text."""
        self._answer = ""
        self._pulse.turn(Activity.READING)

    def engine(self, event: PromptProgress | TextPiece) -> None:
        """Show progress and text."""
        self._pulse.engine(event)
        if not isinstance(event, TextPiece):
            self._transcript.tick()
        elif self._answer:
            self._transcript.grow(self._answer, event.text)
        else:
            self._answer = self._transcript.add(Speaker.AGENT, event.text)
