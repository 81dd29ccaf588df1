"""Carries what a command prints to the transcript while it runs."""

from __future__ import annotations

import codecs
import time

from workbench.session.transcript import Transcript
from workbench.session.views import Speaker

FLUSH_SECONDS = 0.05
"""Between two additions to the transcript, so that a chatty command does not flood the screen."""
# limit: the transcript is for following a command; the item shows more of its output, the ledger has it all.
MAX_LIVE_LINES = 300


class LiveOutput:
    """Carries output to the transcript: in whole characters, not too often, not too much."""

    def __init__(self, transcript: Transcript) -> None:
        """Begin a new entry with the first output."""
        self._transcript = transcript
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._waiting = ""
        self._entry = ""
        self._lines = 0
        self._last = 0.0

    def hear(self, chunk: bytes) -> None:
        """Take a piece of output; called on one thread."""
        self._waiting += self._decoder.decode(chunk)
        if time.monotonic() - self._last >= FLUSH_SECONDS:
            self._flush()

    def end(self) -> None:
        """Show what is left."""
        self._waiting += self._decoder.decode(b"", final=True)
        self._flush()

    def _flush(self) -> None:
        text, self._waiting = self._waiting.replace("\r\n", "\n"), ""
        self._last = time.monotonic()
        if not text or self._lines > MAX_LIVE_LINES:
            return
        self._lines += text.count("\n")
        if self._lines > MAX_LIVE_LINES:
            text = (
                text[: text.index("\n") + 1]
                + "… more follows; the item shows it when the command has ended.\n"
            )
        if self._entry:
            self._transcript.grow(self._entry, text)
        else:
            self._entry = self._transcript.add(Speaker.OUTPUT, text)
