"""Says in plain lines what policy makes of a path or a command, and which line of which file decided."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core.records import Effect, Rule, Verdict
from workbench.core.safe_text import one_line
from workbench.policy.origin import place
from workbench.policy.policy import Policy
from workbench.policy.rules import Kind


def explain_path(policy: Policy, path: str) -> list[str]:
    """Return the lines that `workbench policy explain PATH` prints; the path need not exist."""
    lines = [one_line(path), _verdict("read", policy.read(path)), _verdict("edit", policy.edit(path))]
    labels = sorted(policy.labels(path))
    if labels:
        lines.append(f"  label  {', '.join(labels)}")
    if policy.read(path).effect is not Effect.DENY:
        lines += [
            f"  scan   {kind} {handling.action}  {_rule_text(handling.rule)}"
            for kind, handling in policy.handling(path).items()
        ]
    executes = policy.is_sensitive_to_execute(path)
    if executes:
        lines.append(f"  risk   high: this file {executes}")
    matching = list(policy.matching(path))
    reason = next((line.reason for line in matching if line.rule == policy.edit(path).rule), "")
    if reason:
        lines.append(f"  why    {reason}")
    decided = {policy.read(path).rule, policy.edit(path).rule}
    lines += [
        f"  also   {_rule_text(line.rule)}"
        for line in matching
        if line.rule not in decided and line.kind is not Kind.EXECUTES
    ]
    return lines


def explain_command(policy: Policy, argv: Sequence[str]) -> list[str]:
    """Return the lines that `workbench policy explain ARGV` prints, one word of the command a line."""
    words = [f"  argv[{number}]  {one_line(word)}" for number, word in enumerate(argv)]
    return ["command", *words, _verdict("run ", policy.run(argv))]


def explain_model(policy: Policy, sha256: str) -> list[str]:
    """Return the lines that `workbench policy explain SHA256` prints for a model file's digest."""
    return [f"model {one_line(sha256)}", _verdict("load", policy.model(sha256))]


def _verdict(what: str, verdict: Verdict) -> str:
    return f"  {what}   {verdict.effect.value:<5}  {_rule_text(verdict.rule)}"


def _rule_text(rule: Rule) -> str:
    return f"{one_line(rule.name)}  [{rule.tier}, {one_line(place(rule))}]"
