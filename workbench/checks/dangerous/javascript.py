"""Names what is dangerous in JavaScript and TypeScript. Source: OWASP Top 10 (2021)."""

from __future__ import annotations

from workbench.checks.dangerous.rule import (
    WEAK_HASHES,
    Rule,
    fixed,
    is_built_sql,
    is_weak_cipher,
    last,
    makes,
    says,
    sets,
)
from workbench.checks.dangerous.walk import Construct, Kind


def _shell(one: Construct) -> bool:
    if one.kind is Kind.CALL and "child_process" in one.name:
        return last(one) in ("exec", "execSync") and not fixed(one.at(0))
    return sets("shell", "true")(one)


def _evaluates(one: Construct) -> bool:
    if one.kind is Kind.CALL:
        if one.name in ("setTimeout", "setInterval", "window.setTimeout", "window.setInterval"):
            first = one.at(0)
            return first is not None and (first.built or first.fixed)
        run = one.name.startswith("vm.") and last(one) in (
            "runInContext",
            "runInNewContext",
            "runInThisContext",
        )
        return (one.name in ("eval", "window.eval", "globalThis.eval") or run) and not fixed(one.at(0))
    return makes("Function")(one)


def _markup(one: Construct) -> bool:
    value = one.at(0)
    if one.kind is Kind.SET:
        name = one.name.rpartition(".")[2]
        return (name in ("innerHTML", "outerHTML") and not fixed(value)) or name == "dangerouslySetInnerHTML"
    if last(one) == "insertAdjacentHTML":
        return not fixed(one.at(1))
    return one.name in ("document.write", "document.writeln") and not fixed(value)


def _unverified(one: Construct) -> bool:
    return (
        sets("rejectUnauthorized", "false")(one)
        or sets("strictSSL", "false")(one)
        or sets("NODE_TLS_REJECT_UNAUTHORIZED", "0")(one)
        or sets("algorithms", "['none']", '["none"]')(one)
    )


def _weak_hash(one: Construct) -> bool:
    return last(one) in ("createHash", "createHmac") and says(one.at(0), *WEAK_HASHES)


def _weak_cipher(one: Construct) -> bool:
    return last(one) in ("createCipher", "createDecipher") or (
        last(one) in ("createCipheriv", "createDecipheriv") and is_weak_cipher(one.at(0))
    )


def _sql(one: Construct) -> bool:
    return last(one) in ("query", "execute", "raw", "exec", "run", "all", "$queryRawUnsafe") and is_built_sql(
        one.at(0)
    )


RULES = (
    Rule("runs a shell", "CWE-78", _shell),
    Rule("evaluates text as code", "CWE-95", _evaluates),
    Rule("deserialises what may run code", "CWE-502", lambda one: last(one) == "unserialize"),
    Rule("puts unescaped text into markup", "CWE-79", _markup),
    Rule("does not verify a certificate or signature", "CWE-295", _unverified),
    Rule("uses a weak hash", "CWE-327", _weak_hash),
    Rule("uses a weak cipher or mode", "CWE-327", _weak_cipher),
    Rule("builds SQL from text", "CWE-89", _sql),
)
