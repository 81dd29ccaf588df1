"""Attacks on the way of a command: from its words through a person's decision to the run, and back.

They ask the broker directly, as a program that was taken over would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from workbench.broker import Grant
from workbench.core.errors import WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.records import Command, Effect
from workbench.core.safe_text import one_line
from workbench.redteam.case import Attack, Breach, Case, Guard, Skip
from workbench.redteam.deciding import full_disk
from workbench.redteam.lab import Lab
from workbench.session.opening import Parts

HOLDS = "only the very words that a person decided on are run"
SHOWN = Command(("echo", "shown"))


@contextmanager
def _commands(lab: Lab) -> Iterator[Parts]:
    """Open a session on a repository with a secret in it and in its history, where commands can be run."""
    root = lab.repository()
    (root / ".env").write_text(lab.canary)
    lab.git(root, "add", "-f", ".env")
    lab.git(root, "commit", "-qm", "a secret")
    with lab.opened(root) as parts:
        if parts.broker.commands.off:
            raise Skip(parts.broker.commands.off)
        yield parts


def _grant(parts: Parts, command: Command) -> Grant:
    """Return what a person's decision on `command` gives."""
    return Grant("decision", uuid7(), parts.person, command.sha256)


def _run(parts: Parts, command: Command, grant: Grant | None) -> tuple[str, bytes]:
    """Have a command run, and return what stopped it, or nothing and its output."""
    heard: list[bytes] = []
    try:
        parts.broker.commands.run(command, actor=parts.person, grant=grant, on_output=heard.append)
    except WorkbenchError as error:
        return one_line(error.cause), b"".join(heard)
    return "", b"".join(heard)


def _must_not_run(command: Command, grant_for: Command | None) -> Attack:
    def attack(lab: Lab) -> str:
        with _commands(lab) as parts:
            if parts.policy.run(command.argv).effect is Effect.ALLOW:
                raise Skip("policy on this machine grants this command to everybody")
            told, _ = _run(parts, command, _grant(parts, grant_for) if grant_for else None)
        if not told:
            raise Breach("it was run")
        return told

    return attack


def _no_row(lab: Lab) -> str:
    with _commands(lab) as parts, full_disk():
        told, output = _run(parts, SHOWN, _grant(parts, SHOWN))
    if output or not told:
        raise Breach("a command was run without a row")
    return told


def _with_a_decision(words: Callable[[Parts], str], judge: Callable[[Lab, Parts, bytes], str]) -> Attack:
    """Have a line of shell run with a person's decision, and judge what came of it."""

    def attack(lab: Lab) -> str:
        with _commands(lab) as parts:
            command = Command(("sh", "-c", words(parts)))
            told, output = _run(parts, command, _grant(parts, command))
            if told:
                raise Skip(f"no command is run here: {told}")
            return judge(lab, parts, output)

    return attack


def _looks_for_env(parts: Parts) -> str:
    root = parts.worktree.root
    return f"cat .env {root}/.env; git show HEAD:.env; git -C {root} show HEAD:.env; git log -p; ls -a; true"


def _kept(lab: Lab, _parts: Parts, output: bytes) -> str:
    if lab.canary.encode() in output:
        raise Breach("an approved command read .env")
    return "neither the file nor its history is there"


def _sealed(_lab: Lab, parts: Parts, output: bytes) -> str:
    if any(b"patient" in entry.raw for entry in parts.reader.entries(0) if entry.type == "command.outcome"):
        raise Breach("what a command printed stands in the ledger for everybody to read")
    return f"{len(output)} bytes of output are sealed"


CASES = (
    Case(
        "decision.command_undecided",
        "a command that nobody decided on",
        "A18 A41",
        HOLDS,
        Guard.DECIDING,
        _must_not_run(Command(("echo", "x")), None),
    ),
    Case(
        "decision.command_other_words",
        "other words than those decided on",
        "S65 A36",
        HOLDS,
        Guard.DECIDING,
        _must_not_run(Command(("echo", "other")), SHOWN),
    ),
    Case(
        "decision.command_one_word_more",
        "the words decided on, and one more",
        "S65 A36 A22",
        HOLDS,
        Guard.DECIDING,
        _must_not_run(Command((*SHOWN.argv, "; id")), SHOWN),
    ),
    Case(
        "decision.command_hidden",
        "a command with hidden characters, decided on",
        "S66 A23",
        HOLDS,
        Guard.DECIDING,
        _must_not_run(Command(("ls", "a\u202eb\r")), Command(("ls", "a\u202eb\r"))),
    ),
    Case(
        "decision.command_full_disk",
        "an approved command while the ledger's disk is full",
        "A44",
        "no row, no effect",
        Guard.RECORDING,
        _no_row,
    ),
    Case(
        "copy.session",
        "`.env` and its history, by an approved command of a session",
        "S30 S39 S40",
        "neither is in the copy",
        Guard.COPYING,
        _with_a_decision(_looks_for_env, _kept),
    ),
    Case(
        "audit.command_output",
        "what a command prints, in the ledger",
        "S63 A54",
        "output is sealed",
        Guard.RECORDING,
        _with_a_decision(lambda _parts: "echo pat''ient 42", _sealed),
    ),
)
