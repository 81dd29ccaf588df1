"""Knows every command and option, and which function runs it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import __version__
from workbench.core.safe_text import safe_text

if TYPE_CHECKING:
    from _typeshed import SupportsWrite
from workbench.cli import audit_arguments
from workbench.cli.numbers import positive


class _Parser(argparse.ArgumentParser):
    """Prints no control character of an argument, which may be the name of a hostile file."""

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        super()._print_message(safe_text(message).text, file)


Command = Callable[[argparse.Namespace], int]


def _lazily(module: str, function: str) -> Command:
    def command(options: argparse.Namespace) -> int:
        return int(getattr(import_module(f"workbench.cli.{module}"), function)(options))

    return command


COMMANDS: dict[str, Command] = {
    "": _lazily("screen", "run"),
    "ask": _lazily("ask", "run"),
    "queue": _lazily("queue", "run"),
    "rollback": _lazily("queue", "run_rollback"),
    "audit": _lazily("audit", "run"),
    "model": _lazily("model", "run"),
    "policy": _lazily("policy", "run"),
    "index": _lazily("index", "run"),
    "doctor": _lazily("doctor", "run"),
    "bench": _lazily("bench", "run"),
    "redteam": _lazily("redteam", "run"),
}
"""What runs each command; the empty name opens the screen."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; prints help or an error and exits where argparse does."""
    first = next((word for word in arguments if not word.startswith("-")), "")
    named = first in COMMANDS and arguments[:1] == [first]
    options = (_commands() if named else _opening()).parse_args(arguments)
    if not named:
        options.command = None
    if options.state_dir:
        # The one place every room asks (`workbench.core.places`); children must agree with us.
        os.environ["WORKBENCH_STATE"] = str(Path(options.state_dir).absolute())
    return options


def _opening() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="workbench",
        description="An agent workbench for the terminal. Opens full-screen on the repository at PATH.",
        epilog=f"Commands: {', '.join(filter(None, COMMANDS))}. `workbench COMMAND --help` explains one. "
        "A folder that is named like a command is opened as ./NAME.",
    )
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="the repository (default: here)")
    parser.add_argument(
        "--plain", action="store_true", help="lines instead of a screen, for screen readers and pipes"
    )
    _model_options(parser)
    _common(parser, repo=False)
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    return parser


def _commands() -> argparse.ArgumentParser:
    parser = _Parser(prog="workbench")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _ask(commands.add_parser("ask", help="one task without a screen: queues proposals, decides nothing"))
    _queue(commands.add_parser("queue", help="list, show, approve and reject proposals"))
    _rollback(commands.add_parser("rollback", help="propose to take an applied approval back"))
    audit = commands.add_parser("audit", help="read, prove and verify the ledger, and anchor it elsewhere")
    for verb, has_json in audit_arguments.add(audit):
        _common(verb)
        if has_json:
            _json(verb)
    _model(commands.add_parser("model", help="register and check model files"))
    _policy(commands.add_parser("policy", help="see what policy says, and why"))
    _index(commands.add_parser("index", help="the index of the code: what it holds, and what it finds"))
    _bench(commands.add_parser("bench", help="measure this installation on this machine"))
    doctor = commands.add_parser("doctor", help="measured levels and versions")
    _common(doctor)
    _json(doctor)
    _redteam(commands.add_parser("redteam", help="attack this installation in a scratch repository"))
    return parser


def _ask(parser: argparse.ArgumentParser) -> None:
    parser.description = "Gives the agent one task. Exit: 0 queued, 3 nothing, 2 refused, 1 could not run."
    parser.add_argument("task", metavar="TASK", help="what to change; name a file or a symbol")
    parser.add_argument("--file", action="append", default=[], metavar="F", help="a file of the repository")
    parser.add_argument(
        "--release",
        action="append",
        default=[],
        metavar="PATH",
        help="let the agent read a file that policy asks about, for this task (recorded)",
    )
    parser.add_argument("--reason", default="", metavar="T", help="why these files are released")
    parser.add_argument(
        "--test",
        metavar="ARGV",
        help="a command that may run for this task, in a copy, to judge drafts (level 3 or 4)",
    )
    _model_options(parser)
    _common(parser)
    _json(parser)


def _queue(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="every proposal, what waits first")
    show = verbs.add_parser("show", help="one proposal as a diff, with its checks")
    approve = verbs.add_parser("approve", help="approve exactly what `show` shows, and write it")
    reject = verbs.add_parser("reject", help="reject, with the reason")
    undo = verbs.add_parser("undo", help="take back your last decision, if it was a rejection")
    amend = verbs.add_parser(
        "amend", help="put what you made of a proposal in its place; it is checked and waits like any other"
    )
    for verb in (show, approve, reject, amend):
        verb.add_argument("id", metavar="ID", help="the proposal's id, or the end of it")
    show.add_argument(
        "--after",
        nargs="?",
        const="",
        metavar="PATH",
        help="print the very bytes the proposal would write to PATH, for an editor (default: its first file)",
    )
    amend.add_argument(
        "edited", nargs="+", metavar="[PATH=]FILE", help="what PATH is to hold (default: its first file)"
    )
    approve.add_argument(
        "--hunks", metavar="1,3", help="only these hunks, counted from 1; --reason says why not the others"
    )
    approve.add_argument("--reason", default="", metavar="T")
    approve.add_argument(
        "--acknowledge-hidden",
        action="store_true",
        help="I have seen the hidden or look-alike characters that `show` marks (recorded)",
    )
    approve.add_argument(
        "--statement-out",
        metavar="FILE",
        help="decide nothing; write what is to be signed there, and say how it is signed",
    )
    approve.add_argument("--name", default="", metavar="N", help="who is going to sign, in words")
    approve.add_argument(
        "--signature", metavar="FILE", help="approve by this signature (.sig) on a statement written before"
    )
    approve.add_argument("--accept-unenforced", action="store_true", help=argparse.SUPPRESS)
    reject.add_argument("--reason", required=True, metavar="T")
    for verb in (listing, show, approve, reject, undo, amend):
        _common(verb)
        _json(verb)


def _rollback(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Proposes the change that takes an applied approval back, by three-way merge where files were edited "
        "since. It waits for a decision like any other. Exit: 0 proposed, 2 later edits overlap it."
    )
    parser.add_argument("id", metavar="ID", help="the approval's id or its proposal's, or the end of one")
    parser.add_argument("--reason", required=True, metavar="T", help="why; it goes into the record")
    _common(parser)
    _json(parser)


def _model(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    add = verbs.add_parser("add", help="check a GGUF file, load it once in a throw-away process, register it")
    add.add_argument("file", metavar="FILE")
    add.add_argument("--name", metavar="N", help="the name to register it under")
    listing = verbs.add_parser("list", help="registered models")
    verify = verbs.add_parser("verify", help="compute the digests again")
    verify.add_argument("name", nargs="?", metavar="NAME")
    trial = verbs.add_parser("trial", help="load a file in a throw-away process, register nothing")
    trial.add_argument("file", metavar="FILE")
    for verb in (add, listing, verify, trial):
        _common(verb, repo=False)
        _json(verb)


def _policy(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    explain = verbs.add_parser("explain", help="which line of which file decides on a path or a command")
    explain.add_argument(
        "subject", nargs=argparse.REMAINDER, metavar="PATH-or-ARGV", help="after any options of our own"
    )
    show = verbs.add_parser("show", help="everything that is in force, and which line says so")
    show.add_argument(
        "--preset", metavar="NAME", help="a shipped preset instead: pilot, narrow, regulated, graduated"
    )
    check = verbs.add_parser("check", help="read one policy file and say what is wrong with it")
    test = verbs.add_parser(
        "test",
        help="judge the requests on record again under another policy file",
        description="Exit: 0 no verdict would change, 3 some would be stricter, 4 some would be less strict, "
        "1 could not run, 2 the file cannot be understood.",
    )
    for verb in (check, test):
        verb.add_argument("file", metavar="FILE")
        verb.add_argument(
            "--tier",
            choices=["admin", "user", "repository"],
            help="whose file it is (default: by its place; elsewhere the repository's)",
        )
    releasing = verbs.add_parser(
        "release", help="let the agent read a file that policy asks about, until a time (recorded)"
    )
    releasing.add_argument("path", nargs="?", metavar="PATH", help="one file, as the repository names it")
    releasing.add_argument("--glob", metavar="G", help="every file that matches, instead of one")
    releasing.add_argument(
        "--until", required=True, metavar="T", help="8h, 3d or a UTC time; 30 days at most"
    )
    releasing.add_argument("--reason", default="", metavar="T", help="kept sealed in the ledger")
    releases = verbs.add_parser("releases", help="what is released, for how long and by whom")
    revoke = verbs.add_parser("revoke", help="end a release now")
    revoke.add_argument("id", metavar="ID", help="the release's id, or the end of it")
    for verb in (show, explain, check, test, releasing, releases, revoke):
        _common(verb)
        _json(verb)


def _index(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    status = verbs.add_parser(
        "status", help="bring the index in step with the worktree, and say what it holds"
    )
    rebuild = verbs.add_parser("rebuild", help="make the index anew")
    query = verbs.add_parser("query", help="the files and definitions a request is about, with the reasons")
    query.add_argument("text", metavar="TEXT", help="words, names, or an error message")
    query.add_argument(
        "--count", type=positive, default=10, metavar="N", help="how many of each (default 10)"
    )
    for verb in (status, rebuild, query):
        _common(verb)
        _json(verb)


def _bench(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    ledger = verbs.add_parser(
        "ledger", help="what an entry costs, and what it takes to verify a ledger; writes beside the ledgers"
    )
    ledger.add_argument(
        "--entries", type=positive, default=50_000, metavar="N", help="in the ledger that is verified"
    )
    retrieval = verbs.add_parser(
        "retrieval", help="would the index have found what this repository's own commits changed?"
    )
    retrieval.add_argument("repo", metavar="REPO", help="a git repository; nothing in it is changed")
    retrieval.add_argument(
        "--commits", type=positive, default=80, metavar="N", help="of the newest (default 80)"
    )
    latency = verbs.add_parser(
        "latency",
        help="how quickly the screen answers, from outside through a terminal",
        description="Exit: 0 all within what is aimed at, 3 not, 1 could not run.",
    )
    latency.add_argument("--small", action="store_true", help="a small repository, to try it out")
    for verb in (ledger, retrieval, latency, _edits(verbs.add_parser("edits", help=_EDITS))):
        _common(verb, repo=False)
        _json(verb)


_EDITS = "how often a model's edit is right: faulty definitions with tests, mended as by `ask --test`"


def _edits(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.description = (
        "Gives the agent one faulty definition after the other in a scratch repository, approves what it "
        "proposes there, and runs the tests again to judge it. Nothing in DIR is changed. Level 3 or 4 only."
    )
    parser.add_argument(
        "directory",
        metavar="DIR",
        help="holds python_programs/NAME.py and python_testcases/test_NAME.py, as QuixBugs does; "
        "with --mutants, a Python project",
    )
    parser.add_argument("--only", default="", metavar="A,B", help="only these tasks")
    parser.add_argument(
        "--mutants", default="", metavar="PACKAGE", help="make the faults: mutants of this package in DIR"
    )
    parser.add_argument("--tests", default="", metavar="TESTS", help="the tests of --mutants, in DIR")
    parser.add_argument(
        "--count", type=positive, default=20, metavar="N", help="how many mutants (default 20)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which mutants (default 1)")
    parser.add_argument(
        "--budget-s",
        type=positive,
        default=40,
        metavar="N",
        help="processor seconds a task may take, children included (default 40)",
    )
    parser.add_argument(
        "--model", default="", metavar="NAME", help="a registered model (default: the one added last)"
    )
    return parser


def _redteam(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Attacks this installation in a scratch repository of its own, and records the result. "
        "Exit: 0 everything held, 3 something got through, 1 could not run."
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="GROUP|ID", help="only these attacks (repeatable)"
    )
    parser.add_argument("--list", action="store_true", help="say what would be tried, and try nothing")
    parser.add_argument("--thorough", action="store_true", help="race for 10 s at each name instead of 1 s")
    parser.add_argument(
        "--repo", default=None, metavar="PATH", help="record in this repository's ledger (default: our own)"
    )
    _common(parser, repo=False)
    _json(parser)


def _common(parser: argparse.ArgumentParser, *, repo: bool = True) -> None:
    if repo:
        parser.add_argument("--repo", default=".", metavar="PATH", help="the repository (default: here)")
    parser.add_argument(
        "--state-dir", metavar="DIR", help="where ledgers are kept (default: $WORKBENCH_STATE)"
    )
    parser.add_argument("--debug", action="store_true", help="show where an error came from")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default="", metavar="NAME", help="a registered model (default: the one added last)"
    )
    parser.add_argument(
        "--accept-unenforced",
        action="store_true",
        help="allow changes although the kernel enforces nothing (recorded)",
    )
