"""Turns the bytes of tokens into text to show: whole characters only, and nothing of a stop text."""

from __future__ import annotations

import codecs


class AnswerStream:
    """Collects one answer; hands out what can no longer change."""

    def __init__(self, stops: tuple[str, ...] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = tuple(stop for stop in stops if stop)
        self._text = ""
        self._given = 0
        self.stopped = False
        """A stop text occurred; what follows it was dropped."""

    @property
    def text(self) -> str:
        """The answer so far, up to the first stop text."""
        return self._text

    def feed(self, data: bytes) -> str:
        """Add the bytes of one token and return the text that can be shown now, often none."""
        return self._take(self._decoder.decode(data))

    def finish(self) -> str:
        """Return what was held back; bytes that are no character become U+FFFD."""
        piece = "" if self.stopped else self._take(self._decoder.decode(b"", final=True))
        return piece + self._given_up_to(len(self._text))

    def _take(self, piece: str) -> str:
        if self.stopped or not piece:
            return ""
        # A stop text may have begun in an earlier piece.
        longest = max(map(len, self._stops), default=0)
        start = max(0, len(self._text) - longest)
        self._text += piece
        found = [at for stop in self._stops if (at := self._text.find(stop, start)) >= 0]
        if found:
            self.stopped = True
            self._text = self._text[: min(found)]
            return self._given_up_to(len(self._text))
        return self._given_up_to(len(self._text) - self._possible_stop())

    def _possible_stop(self) -> int:
        """Return how many characters at the end may be the beginning of a stop text."""
        longest = 0
        for stop in self._stops:
            for length in range(min(len(stop) - 1, len(self._text)), longest, -1):
                if self._text.endswith(stop[:length]):
                    longest = length
                    break
        return longest

    def _given_up_to(self, end: int) -> str:
        piece = self._text[self._given : end]
        self._given = max(self._given, end)
        return piece
