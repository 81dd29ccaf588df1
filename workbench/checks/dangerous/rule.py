"""Defines what a rule about dangerous code is, and the questions that rules of every language ask."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from workbench.checks.dangerous.walk import Argument, Construct, Kind

_SQL = re.compile(
    r"\b(?:select\b.{1,200}\bfrom|insert\s+into|update\b.{1,100}\bset|delete\s+from|(?:create|drop|alter)\s+table|"
    r"merge\s+into|grant\s+\w+|where\s+\w+)\b",
    re.IGNORECASE,
)
WEAK_HASHES = frozenset({"md2", "md4", "md5", "sha", "sha1", "sha-1", "ripemd", "ripemd160"})
_WEAK_CIPHER = re.compile(
    r"\b(?:des|3des|desede|rc2|rc4|arcfour|arc4|blowfish)\b|\becb\b|-ecb\b|/ecb/", re.IGNORECASE
)
SHELLS = frozenset(
    {"sh", "bash", "zsh", "dash", "ksh", "/bin/sh", "/bin/bash", "cmd", "cmd.exe", "powershell", "pwsh"}
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of construct that a reviewer must not overlook."""

    what: str
    """What it does, in words for a person: "runs a shell"."""
    weakness: str
    """Its number in the Common Weakness Enumeration."""
    applies: Callable[[Construct], bool]


def calls(*names: str) -> Callable[[Construct], bool]:
    """Return a rule's question: is it a call of one of these whole names?"""
    wanted = frozenset(names)
    return lambda one: one.kind is Kind.CALL and one.name in wanted


def makes(*names: str) -> Callable[[Construct], bool]:
    """Return a rule's question: is an object of one of these classes made?"""
    wanted = frozenset(names)
    return lambda one: one.kind is Kind.NEW and one.name.rpartition(".")[2] in wanted


def sets(name: str, *values: str) -> Callable[[Construct], bool]:
    """Return a rule's question: is this name, key or field, whoever it is of, given one of these values?"""
    wanted = frozenset(values)

    def asked(one: Construct) -> bool:
        if one.kind is not Kind.SET or re.split(r"[.\[\"'\]]+", one.name.rstrip("\"']"))[-1] != name:
            return False
        value = one.at(0)
        return value is not None and value.word in wanted

    return asked


def last(one: Construct) -> str:
    """Return the last part of a call's name: `execute` of `self.db.execute`."""
    return one.name.rpartition(".")[2] if one.kind is Kind.CALL else ""


def fixed(argument: Argument | None) -> bool:
    """Say whether an argument is a literal; one that is not there counts as one."""
    return argument is None or argument.fixed


def says(argument: Argument | None, *words: str) -> bool:
    """Say whether an argument is one of these literals."""
    return argument is not None and argument.word in words


def is_built_sql(argument: Argument | None) -> bool:
    """Say whether an argument is a statement of SQL put together from parts."""
    return argument is not None and argument.built and _SQL.search(argument.text) is not None


def is_weak_cipher(argument: Argument | None) -> bool:
    """Say whether an argument names a cipher, or a mode of one, that is broken."""
    return argument is not None and argument.fixed and _WEAK_CIPHER.search(argument.word) is not None
