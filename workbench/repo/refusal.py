"""Says why a path was not opened or written, as a word for programs and a sentence for people."""

from __future__ import annotations

from enum import StrEnum

from workbench.core.errors import Refused
from workbench.core.safe_text import one_line


class Reason(StrEnum):
    """Why the gate refused; the value goes into the ledger."""

    MALFORMED = "malformed"
    """Not a plain relative path: empty, absolute, with `..` or a NUL."""
    MISSING = "missing"
    """There is no such file, or a part of the path is not a directory."""
    LINK = "link"
    """A symbolic link stands somewhere in the path."""
    OUTSIDE = "outside"
    """The path leaves the worktree or its file system: a mount, or a race."""
    NOT_REGULAR = "not-regular"
    """A directory, device, socket or named pipe."""
    HARD_LINKED = "hard-linked"
    """The file has other names, which policy has not judged."""
    DENIED_INODE = "denied-inode"
    """Another name of the same file is denied."""
    TOO_LARGE = "too-large"
    CHANGING = "changing"
    """The file was moved or rewritten while it was read."""
    BINARY = "binary"
    NO_PERMISSION = "no-permission"
    GIT_INTERNAL = "git-internal"
    """Git's own files are changed by git only."""
    EXISTS = "exists"
    """A new file was to be made where there already is one."""


_SENTENCES = {
    Reason.MALFORMED: ("is not a plain path beneath the worktree", "Give a path relative to the worktree."),
    Reason.MISSING: ("does not exist", "Check the name; the file may have been moved."),
    Reason.LINK: ("is, or goes through, a symbolic link", "Name the file that the link points to."),
    Reason.OUTSIDE: ("leaves the worktree or its file system", "Only files of the worktree can be used."),
    Reason.NOT_REGULAR: ("is not a regular file", "Only regular files can be used."),
    Reason.HARD_LINKED: ("has other names (hard links)", "Replace the link by a copy to use this file."),
    Reason.DENIED_INODE: ("is another name of a file that policy denies", "Ask who owns the policy."),
    Reason.TOO_LARGE: ("is larger than the limit", "Use a smaller file, or a part of it."),
    Reason.CHANGING: ("changed while it was read", "Try again when nothing else writes it."),
    Reason.BINARY: ("holds binary data", "Only text files can be shown to the model."),
    Reason.NO_PERMISSION: ("may not be read by this account", "Change its permissions, or leave it out."),
    Reason.GIT_INTERNAL: ("belongs to git", "Git's own files are changed by git only."),
    Reason.EXISTS: ("exists already", "Look at the file again; the proposal is for a new one."),
}


class GateRefused(Refused):
    """A path was refused at the gate; nothing was read and nothing was written."""

    def __init__(self, path: str, reason: Reason, detail: str = "") -> None:
        sentence, next_step = _SENTENCES[reason]
        super().__init__(f"{one_line(path)} {sentence}{f' ({detail})' if detail else ''}.", next_step)
        self.path = path
        self.reason = reason
