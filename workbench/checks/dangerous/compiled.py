"""Names what is dangerous in Go, Java, Rust and C. Source: OWASP Top 10 (2021)."""

from __future__ import annotations

import re

from workbench.checks.dangerous.rule import (
    SHELLS,
    WEAK_HASHES,
    Rule,
    calls,
    fixed,
    is_built_sql,
    is_weak_cipher,
    last,
    makes,
    says,
    sets,
)
from workbench.checks.dangerous.walk import Construct, Kind

_OLD_TLS = re.compile(r"VersionSSL30|VersionTLS1[01]\b")


def _go_shell(one: Construct) -> bool:
    words = one.arguments[1:] if one.name == "exec.CommandContext" else one.arguments
    return one.name in ("exec.Command", "exec.CommandContext") and bool(words) and words[0].word in SHELLS


def _go_unverified(one: Construct) -> bool:
    value = one.at(0)
    old = one.kind is Kind.SET and one.name.endswith("MinVersion") and value and _OLD_TLS.search(value.text)
    return sets("InsecureSkipVerify", "true")(one) or one.name == "ssh.InsecureIgnoreHostKey" or bool(old)


def _go_sql(one: Construct) -> bool:
    names = ("Query", "QueryRow", "Exec", "Prepare", "Raw")
    return (last(one) in names and is_built_sql(one.at(0))) or (
        last(one) in tuple(f"{name}Context" for name in names) and is_built_sql(one.at(1))
    )


def _go_markup(one: Construct) -> bool:
    return one.name in ("template.HTML", "template.JS", "template.URL", "template.HTMLAttr") and not fixed(
        one.at(0)
    )


GO_RULES = (
    Rule("runs a shell", "CWE-78", _go_shell),
    Rule("does not verify a certificate or host key", "CWE-295", _go_unverified),
    Rule("uses a weak hash", "CWE-327", calls("md5.New", "md5.Sum", "sha1.New", "sha1.Sum")),
    Rule("uses a weak cipher", "CWE-327", calls("des.NewCipher", "des.NewTripleDESCipher", "rc4.NewCipher")),
    Rule("builds SQL from text", "CWE-89", _go_sql),
    Rule("puts unescaped text into markup", "CWE-79", _go_markup),
    Rule("goes round the type system", "CWE-704", calls("unsafe.Pointer")),
)


def _java_shell(one: Construct) -> bool:
    if one.kind is Kind.NEW:
        first = one.at(0)
        return one.name == "ProcessBuilder" and first is not None and first.word in SHELLS
    return last(one) == "exec" and "untime" in one.name and not fixed(one.at(0))


def _java_deserialises(one: Construct) -> bool:
    return makes("ObjectInputStream", "XMLDecoder", "XStream")(one) or last(one) in (
        "enableDefaultTyping",
        "activateDefaultTyping",
    )


def _java_unverified(one: Construct) -> bool:
    named = (
        "NoopHostnameVerifier",
        "ALLOW_ALL_HOSTNAME_VERIFIER",
        "TrustAllStrategy",
        "InsecureTrustManagerFactory",
    )
    held = one.kind is not Kind.SET and any(
        name in argument.text for argument in one.arguments for name in named
    )
    return held or (
        one.name == "SSLContext.getInstance" and says(one.at(0), "ssl", "sslv3", "tlsv1", "tlsv1.1")
    )


def _java_cipher(one: Construct) -> bool:
    return one.name == "Cipher.getInstance" and (is_weak_cipher(one.at(0)) or says(one.at(0), "aes"))


def _java_sql(one: Construct) -> bool:
    names = (
        "executeQuery",
        "executeUpdate",
        "execute",
        "addBatch",
        "prepareStatement",
        "createQuery",
        "createNativeQuery",
        "queryForObject",
        "queryForList",
        "query",
        "update",
    )
    return last(one) in names and is_built_sql(one.at(0))


def _java_evaluates(one: Construct) -> bool:
    return last(one) == "eval" and "ngine" in one.name and not fixed(one.at(0))


JAVA_RULES = (
    Rule("runs a shell or a command put together", "CWE-78", _java_shell),
    Rule("evaluates text as code", "CWE-95", _java_evaluates),
    Rule("deserialises what may run code", "CWE-502", _java_deserialises),
    Rule("does not verify a certificate", "CWE-295", _java_unverified),
    Rule(
        "uses a weak hash",
        "CWE-327",
        lambda one: one.name == "MessageDigest.getInstance" and says(one.at(0), *WEAK_HASHES),
    ),
    Rule("uses a weak cipher or mode", "CWE-327", _java_cipher),
    Rule("builds SQL from text", "CWE-89", _java_sql),
    Rule(
        "switches a protection against forged requests off",
        "CWE-352",
        lambda one: last(one) == "disable" and "csrf" in one.name,
    ),
)


def _rust_shell(one: Construct) -> bool:
    return one.name.endswith("Command.new") and one.at(0) is not None and says(one.at(0), *SHELLS)


def _rust_unverified(one: Construct) -> bool:
    names = ("danger_accept_invalid_certs", "danger_accept_invalid_hostnames")
    return last(one) in names and not says(one.at(0), "false")


RUST_RULES = (
    Rule("runs a shell", "CWE-78", _rust_shell),
    Rule("does not verify a certificate", "CWE-295", _rust_unverified),
    Rule("holds an unsafe block", "CWE-119", lambda one: one.kind is Kind.BLOCK),
    Rule("goes round the type system", "CWE-704", lambda one: last(one).startswith("transmute")),
)
C_RULES = (
    Rule("runs a shell", "CWE-78", calls("system", "popen")),
    Rule(
        "writes without a bound",
        "CWE-120",
        calls("gets", "strcpy", "strcat", "sprintf", "vsprintf", "wcscpy", "wcscat"),
    ),
    Rule("uses a name that another can take first", "CWE-377", calls("mktemp", "tmpnam", "tempnam")),
    Rule(
        "takes a format that is not fixed",
        "CWE-134",
        lambda one: one.name in ("printf", "syslog") and not fixed(one.at(int(one.name == "syslog"))),
    ),
)
