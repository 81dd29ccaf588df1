"""Describes which files of the person one command needs; everything else stays out of its reach."""

from __future__ import annotations

OUTSIDE = "outside"
"""The name of a directory, beside those that hold the state of repositories, that no command needs."""


class FileAccess:
    """What the application may reach beside the system's own files, decided before it is sealed.

    All paths are absolute. What does not exist when the seal closes cannot be reached later either.
    """

    __slots__ = (
        "commands",
        "editor",
        "git",
        "make",
        "outside",
        "read",
        "signatures",
        "temporary",
        "tools",
        "write",
    )

    def __init__(
        self,
        *,
        make: tuple[str, ...] = (),
        write: tuple[str, ...] = (),
        read: tuple[str, ...] = (),
        outside: str = "",
        temporary: str = "",
        git: str = "",
        editor: str = "",
        signatures: str = "",
        commands: str = "",
        tools: tuple[str, ...] = (),
    ) -> None:
        self.make = make
        """Directories of our own, made private (0700) where they are missing; read and written."""
        self.write = write
        """Directories and files that are read and written where they exist: the worktree first of all."""
        self.read = read
        """Directories and files that are only read: models, settings."""
        self.outside = outside
        """A directory that is made too, and stays out of reach, for the self-test to try; or empty."""
        self.temporary = temporary
        """One of `make`: where temporary files go, instead of a directory shared with other programs."""
        self.git = git
        """The path of git, the one program beside this Python that may be started; empty for none."""
        self.editor = editor
        """The path of the person's editor, which may be started too; empty for none."""
        self.signatures = signatures
        """The path of ssh-keygen, which may be started too, to check signatures; empty for none."""
        self.commands = commands
        """One of `make`: beneath it lie the copies in which approved commands run; empty for no commands."""
        self.tools = tools
        """Directories of programs, beside the system's, that approved commands may read and execute."""
