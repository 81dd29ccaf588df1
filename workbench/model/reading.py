"""Reads a prompt in pieces, so that progress shows and a stop is heard soon."""

from __future__ import annotations

import hashlib
import struct
import threading
from collections.abc import Sequence

from workbench.model.engine import OnEvent, PromptProgress
from workbench.model.native import Aborted, NativeModel


def read_prompt(native: NativeModel, tokens: Sequence[int], cancelled: threading.Event, emit: OnEvent) -> int:
    """Evaluate `tokens`, with scores for the last, and return how many were in the cache already.

    Raises:
        Aborted: It was stopped; what was read stays in the cache.
    """
    done = reused = native.keep(native.common_prefix(tokens))
    emit(PromptProgress(done, len(tokens), reused))
    while done < len(tokens):
        stop_if(cancelled)
        piece = tokens[done : done + native.step]
        done += len(piece)
        native.evaluate(piece, scores=done == len(tokens))
        emit(PromptProgress(done, len(tokens), reused))
    return reused


def stop_if(cancelled: threading.Event) -> None:
    """Raise `Aborted` where a stop was asked for."""
    if cancelled.is_set():
        raise Aborted


def digest_of(tokens: Sequence[int]) -> str:
    """Return the SHA-256 of tokens, each as four bytes, little-endian."""
    return hashlib.sha256(struct.pack(f"<{len(tokens)}i", *tokens)).hexdigest()
