"""Names what is dangerous in Python. Source: OWASP Top 10 (2021)."""

from __future__ import annotations

from workbench.checks.dangerous.rule import (
    WEAK_HASHES,
    Rule,
    calls,
    fixed,
    is_built_sql,
    last,
    says,
    sets,
)
from workbench.checks.dangerous.walk import Construct, Kind

_SAFE_LOADERS = ("SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader")
_UNPICKLES = calls(
    *(
        f"{module}.{name}"
        for module in ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal")
        for name in ("load", "loads", "Unpickler")
    ),
    "shelve.open",
    "joblib.load",
    "jsonpickle.decode",
    "pandas.read_pickle",
    "pd.read_pickle",
    "yaml.unsafe_load",
    "yaml.unsafe_load_all",
    "yaml.full_load",
)


def _shell(one: Construct) -> bool:
    if one.kind is not Kind.CALL:
        return False
    asked = one.named("shell")
    return (asked is not None and asked.text not in ("False", "None", "0")) or one.name in (
        "os.system",
        "os.popen",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
        "asyncio.create_subprocess_shell",
    )


def _evaluates(one: Construct) -> bool:
    return (
        one.kind is Kind.CALL
        and one.name in ("eval", "exec", "builtins.eval", "builtins.exec")
        and not fixed(one.at(0))
    )


def _deserialises(one: Construct) -> bool:
    if one.kind is not Kind.CALL:
        return False
    if one.name in ("yaml.load", "yaml.load_all"):
        loader = one.named("Loader") or one.at(1)
        return loader is None or loader.text.rpartition(".")[2] not in _SAFE_LOADERS
    if one.name == "torch.load":
        return not says(one.named("weights_only"), "true")
    if one.name in ("numpy.load", "np.load"):
        return says(one.named("allow_pickle"), "true")
    return _UNPICKLES(one)


def _unverified(one: Construct) -> bool:
    if one.kind is Kind.CALL:
        return (
            says(one.named("verify"), "false")
            or says(one.named("verify_ssl"), "false")
            or (one.named("cert_reqs") is not None and "CERT_NONE" in one.text)
            or one.name
            in ("ssl._create_unverified_context", "paramiko.AutoAddPolicy", "paramiko.WarningPolicy")
            or (one.name in ("jwt.decode", "jose.jwt.decode") and '"verify_signature": False' in one.text)
        )
    value = one.at(0)
    return one.kind is Kind.SET and (
        (one.name.endswith(".check_hostname") and says(value, "false"))
        or (one.name.endswith(".verify_mode") and value is not None and value.text.endswith("CERT_NONE"))
        or (one.name.endswith(".verify") and says(value, "false"))
    )


def _weak_hash(one: Construct) -> bool:
    if one.kind is not Kind.CALL or says(one.named("usedforsecurity"), "false"):
        return False
    return one.name in (
        "hashlib.md5",
        "hashlib.sha1",
        "MD5.new",
        "SHA.new",
        "MD4.new",
        "hashes.MD5",
        "hashes.SHA1",
    ) or (one.name == "hashlib.new" and says(one.at(0), *WEAK_HASHES))


def _weak_cipher(one: Construct) -> bool:
    return one.kind is Kind.CALL and (
        one.name
        in ("DES.new", "DES3.new", "ARC2.new", "ARC4.new", "Blowfish.new", "modes.ECB", "algorithms.ARC4")
        or (one.name.endswith(".new") and "MODE_ECB" in one.text)
    )


def _sql(one: Construct) -> bool:
    return last(one) in (
        "execute",
        "executemany",
        "executescript",
        "raw",
        "text",
        "read_sql",
    ) and is_built_sql(one.at(0))


def _markup(one: Construct) -> bool:
    if one.name in ("render_template_string", "flask.render_template_string"):
        return not fixed(one.at(0))
    name = last(one)
    return (name in ("Markup", "mark_safe", "SafeString") and not fixed(one.at(0))) or (
        name == "Environment" and says(one.named("autoescape"), "false")
    )


def _extracts(one: Construct) -> bool:
    if last(one) not in ("extractall", "unpack_archive") or one.named("filter") is not None:
        return False
    return "tar" in one.name.lower() or last(one) == "unpack_archive"


def _open_to_all(one: Construct) -> bool:
    mode = one.at(1) if one.name == "os.chmod" else one.at(0) if last(one) == "chmod" else None
    if mode is not None and mode.fixed:
        return mode.text.lower().startswith("0o") and mode.text[-1] in "2367"
    return one.name == "tempfile.mktemp"


RULES = (
    Rule("runs a shell", "CWE-78", _shell),
    Rule("evaluates text as code", "CWE-95", _evaluates),
    Rule("deserialises what may run code", "CWE-502", _deserialises),
    Rule("does not verify a certificate, key or signature", "CWE-295", _unverified),
    Rule("uses a weak hash", "CWE-327", _weak_hash),
    Rule("uses a weak cipher or mode", "CWE-327", _weak_cipher),
    Rule("builds SQL from text", "CWE-89", _sql),
    Rule("puts unescaped text into markup", "CWE-79", _markup),
    Rule("unpacks an archive wherever it says", "CWE-22", _extracts),
    Rule("leaves a file open to everyone", "CWE-732", _open_to_all),
    Rule(
        "switches debugging on",
        "CWE-489",
        lambda one: last(one) == "run" and says(one.named("debug"), "true"),
    ),
    Rule("switches debugging on", "CWE-489", sets("DEBUG", "true")),
)
