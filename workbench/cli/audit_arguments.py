"""Knows the options of the audit commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

WHAT = (
    "a checkpoint kept elsewhere: a signed one or a signed approval (with its .sig) in a file, a log that "
    'has some in it, or "SIZE ROOT" as typed'
)


def add(parser: argparse.ArgumentParser) -> Iterator[tuple[argparse.ArgumentParser, bool]]:
    """Add the verbs to `audit`; yields each, and whether it can print JSON, for what all commands share."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    yield _log(verbs.add_parser("log", help="entries, newest last")), True
    show = verbs.add_parser("show", help="one entry with all its fields")
    show.add_argument("number", type=int, metavar="N")
    show.add_argument("--sealed", action="store_true", help="open its sealed values; that is recorded")
    yield show, True
    yield _verify(verbs), True
    yield _anchor(verbs), False
    proof = verbs.add_parser("proof", help="a file that proves one entry by itself (C2SP tlog-proof)")
    proof.add_argument("number", type=int, metavar="N")
    keys = verbs.add_parser("keys", help="how the signing keys followed each other, for proofs and witnesses")
    statement = verbs.add_parser(
        "statement", help="what a person signed in one decision, with --out also the signature (FILE.sig)"
    )
    statement.add_argument("number", type=int, metavar="N")
    for verb in (statement, proof, keys):
        _out(verb)
        yield verb, False
    export = verbs.add_parser("export", help="the entries, for a collector or for another verifier")
    export.add_argument(
        "--format",
        choices=["syslog", "tiles"],
        required=True,
        help="syslog: RFC 5424, octet-counted, to standard output; tiles: C2SP tlog-tiles, into DIR",
    )
    export.add_argument("directory", nargs="?", metavar="DIR", help="where tiles go")
    export.add_argument("--start", type=int, default=0, metavar="N", help="the first entry (default 0)")
    yield export, False
    verifier = verbs.add_parser(
        "verifier", help="print the second verifier, one file that needs nothing of this program"
    )
    _out(verifier)
    yield verifier, False


def _log(log: argparse.ArgumentParser) -> argparse.ArgumentParser:
    log.add_argument(
        "--limit", "--count", type=_positive, default=50, metavar="N", help="how many at most (default 50)"
    )
    log.add_argument("--path", metavar="P", help="only entries about this path")
    log.add_argument("--type", metavar="T", help="only entries of this type, such as edit.outcome")
    log.add_argument("--actor", metavar="A", help="only entries of this actor, such as agent:editor")
    log.add_argument("--label", metavar="L", help="only entries about a file with this label, such as phi")
    log.add_argument(
        "--since", metavar="TIME", help="only entries from then on: 2026-01-31, 2026-01-31T09:00 (UTC) or 3d"
    )
    log.add_argument("--until", metavar="TIME", help="only entries before then")
    return log


def _verify(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    verify = verbs.add_parser(
        "verify",
        help="check the whole ledger",
        description="Exit: 0 consistent, 1 could not run, 2 tampered, 3 rolled back or anchor mismatch, "
        "4 consistent but the evidence is incomplete.",
    )
    verify.add_argument("--anchor", action="append", default=[], metavar="WHAT", help=WHAT)
    return verify


def _anchor(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = verbs.add_parser(
        "anchor",
        help="sign a checkpoint now, and take it where this machine cannot change it",
        description="Signs a checkpoint and writes it to the head file, the spool of the system log and a "
        "git note. With --witness FILE: where FILE is new or holds a request, writes a request for a "
        "cosignature; where it holds a witness's answer, checks and keeps it.",
    )
    parser.add_argument("--qr", action="store_true", help="print it as a QR code as well")
    parser.add_argument("--witness", metavar="FILE", help="a request to write, or an answer to take")
    parser.add_argument(
        "--old", type=int, metavar="N", help="the size that the witness saw last, if you know"
    )
    return parser


def _out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="FILE", help="write it there (default: standard output)")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
