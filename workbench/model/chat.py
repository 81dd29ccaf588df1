"""Formats a conversation for a model as segments in which content can never become a control token.

A segment is `(text, special)`. Only our own markers are special; everything a person, a file or a model
wrote is tokenised as plain text, so `<|im_end|>` inside a file is seven harmless tokens. The template
embedded in a model file is never run.

Sources: the model cards of Qwen2.5, SmolLM2 (both ChatML), Llama 3 and Gemma 2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from workbench.core.errors import ModelError
from workbench.model.engine import Message
from workbench.model.gguf import Header

Segment: TypeAlias = tuple[str, bool]
"""Text, and whether control tokens in it are meant as such."""

ROLES = ("system", "user", "assistant")
PLAIN = "plain"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """How one family of models marks who speaks."""

    name: str
    begin: str
    """Marker before the first turn."""
    open: str
    """Marker before the name of the role."""
    after_role: str
    """Marker after the name of the role; empty where the role's line simply ends."""
    gap: str
    """Plain text between the role and the content."""
    close: str
    """Marker after the content."""
    between: str
    """Plain text between two turns."""
    names: tuple[str, str, str]
    """What the format calls system, user and assistant; an empty system name joins it to the first user."""

    @property
    def markers(self) -> tuple[str, ...]:
        """Every marker that must be one control token of the vocabulary."""
        return tuple(mark for mark in (self.begin, self.open, self.after_role, self.close) if mark)

    @property
    def stop(self) -> tuple[str, ...]:
        """Texts that end an answer where no control token does."""
        return () if self.close else (f"{self.between}{self.names[1]}{self.gap}",)


FORMATS = {
    "chatml": ChatFormat("chatml", "", "<|im_start|>", "", "\n", "<|im_end|>", "\n", ROLES),
    "llama3": ChatFormat(
        "llama3",
        "<|begin_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "\n\n",
        "<|eot_id|>",
        "",
        ROLES,
    ),
    "gemma": ChatFormat(
        "gemma", "<bos>", "<start_of_turn>", "", "\n", "<end_of_turn>", "\n", ("", "user", "model")
    ),
    # For a model whose markers we do not know: no control token at all.
    PLAIN: ChatFormat(PLAIN, "", "", "", ":\n", "", "\n\n", ("System", "User", "Assistant")),
}


def family_of(header: Header) -> str:
    """Return the chat format that the markers in a model's own template point to, or `plain`."""
    markers = header.template_markers
    if {"<|im_start|>", "<|im_end|>"} <= markers:
        return "chatml"
    if {"<|start_header_id|>", "<|eot_id|>"} <= markers:
        return "llama3"
    if {"<start_of_turn>", "<end_of_turn>"} <= markers:
        return "gemma"
    return PLAIN


def segments(family: str, messages: Sequence[Message], answer_prefix: str = "") -> tuple[Segment, ...]:
    """Return the prompt for `messages`, ending where the assistant's next words begin.

    Raises:
        ModelError: A role is unknown, or there is no message.
    """
    form = FORMATS.get(family, FORMATS[PLAIN])
    turns = _turns(form, messages)
    parts: list[Segment] = [(form.begin, True)]
    for role, text in turns:
        parts += _opened(form, role, text)
        parts += [(form.close, True), (form.between, False)]
    parts += _opened(form, form.names[2], answer_prefix)
    return _joined(parts)


def encoded(text: str) -> bytes:
    """Return `text` as UTF-8 in which lone surrogates became U+FFFD.

    The tokenizer aborts the whole process on some malformed bytes, so it is never given any.
    """
    return _SURROGATE.sub("\ufffd", text).encode("utf-8")


def _turns(form: ChatFormat, messages: Sequence[Message]) -> list[tuple[str, str]]:
    if not messages:
        raise ModelError("The request has no message.", "Give at least one message.")
    turns: list[tuple[str, str]] = []
    waiting = ""
    for message in messages:
        if message.role not in ROLES:
            raise ModelError(f"{message.role!r} is not a role.", f"Use one of {', '.join(ROLES)}.")
        name = form.names[ROLES.index(message.role)]
        if not name:
            waiting += message.text + "\n\n"
            continue
        turns.append((name, waiting + message.text))
        waiting = ""
    if waiting:
        turns.append((form.names[1], waiting.removesuffix("\n\n")))
    return turns


def _opened(form: ChatFormat, role: str, text: str) -> list[Segment]:
    if form.after_role:
        return [(form.open, True), (role, False), (form.after_role, True), (form.gap + text, False)]
    # Role, line end and content are one piece of text: so the model's own template has it tokenised.
    return [(form.open, True), (role + form.gap + text, False)]


def _joined(parts: Sequence[Segment]) -> tuple[Segment, ...]:
    """Return `parts` without empty ones, neighbours of the same kind made one."""
    joined: list[Segment] = []
    for text, special in parts:
        if not text:
            continue
        if joined and not special and not joined[-1][1]:
            joined[-1] = (joined[-1][0] + text, False)
        else:
            joined.append((text, special))
    return tuple(joined)
