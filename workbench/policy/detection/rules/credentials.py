"""Holds the rules for credentials that no vendor's prefix gives away: keys, URLs, headers, assignments."""

from __future__ import annotations

import base64
import binascii
import re

from workbench.policy.detection.likeness import average_run, entropy, lively, password_like, random_looking
from workbench.policy.detection.rule import WORD_BEFORE as START
from workbench.policy.detection.rule import Confidence, Hit, Klass, Rule, of_value, secret

# limit: how far a private key is followed (an RSA key of 16,384 bits has about 12,800 characters).
_MAX_KEY_BYTES = 16_384
_KEY_END = re.compile(rb"-----END[ A-Z0-9]{0,20}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(rb"[A-Za-z0-9+/=]{24}")
_KEY_BODY = re.compile(rb"(?:[A-Za-z0-9+/=\s]|\\[nrt]|[\"',:;.()+-])*+")


def _key_extent(view: bytes, _start: int, end: int) -> int:
    closing = _KEY_END.search(view, end, end + _MAX_KEY_BYTES)
    if closing:
        return closing.end()
    body = _KEY_BODY.match(view, end, end + _MAX_KEY_BYTES)
    return body.end() if body else end


def _has_key_body(hit: Hit) -> bool:
    body = hit.view[hit.end : hit.end + 400]
    stop = body.find(b"-----")
    run = _KEY_LINE.search(body[: stop if stop >= 0 else len(body)])
    return run is not None and entropy(run.group()) > 3


def _is_jwt(hit: Hit) -> bool:
    header = hit.value.partition(b".")[0]
    try:
        decoded = base64.urlsafe_b64decode(header + b"=" * (-len(header) % 4))
    except (binascii.Error, ValueError):
        return False
    return b'"alg"' in decoded


def _url_password(hit: Hit) -> bool:
    value = hit.value
    host = hit.view[hit.end + 1 : hit.end + 40].lower()
    if host.startswith((b"example.", b"www.example.", b"host", b"domain", b"...")):
        return False
    user = hit.view[max(hit.at, hit.start - 81) : hit.start - 1].rpartition(b"/")[2]
    return len(value) >= 3 and value.lower() not in _COMMON and value != user and lively_password(value)


_COMMON = frozenset(
    b"pass password passwd pwd secret token test user username admin root guest foo bar baz xxx yyy pw p x"
    b" hunter2 changeme mypassword mypass pass123 password1 password123 passw0rd userpass 1234 12345 123456"
    b" letmein swordfish postgres mysql rabbitmq minio string credential credentials somepass".split()
)
_TEMPLATE = re.compile(rb"[${}<>\[\]()%|*]|\.\.\.|xxx|yyy|your|example|placeholder|redacted|password|user")


def lively_password(value: bytes) -> bool:
    """Say whether `value`, found where a password must stand, is more than a word of an example."""
    folded = value.lower()
    return folded not in _COMMON and len(set(folded)) > 3 and not _TEMPLATE.search(folded)


def _curl_user(hit: Hit) -> bool:
    # The command may go over several lines, each but the last ended by a backslash.
    before = re.sub(rb"\\\r?\n", b" ", hit.view[max(0, hit.at - 600) : hit.at])
    if b"curl" not in before[max(before.rfind(b"\n"), before.rfind(b";"), before.rfind(b"|")) + 1 :]:
        return False
    value = hit.value.strip(b"\"'")
    name, colon, password = value.partition(b":")
    either = password.strip(b"\"'") or name.strip(b"\"'")
    if not colon or value.startswith((b"$", b"{{", b"<", b"[")) or b"${" in value or b"{{" in value:
        return False
    if re.match(rb"\$[A-Z_({a-z0-9]", either):
        return False
    mixed = re.search(rb"[0-9]", either) or (len(either) >= 12 and average_run(either) < 2.5)
    return len(either) >= 6 and either.lower() not in _COMMON and bool(mixed)


def _header_value(hit: Hit) -> bool:
    value = hit.value
    return (
        len(value) >= 10
        and re.search(rb"[0-9]", value) is not None
        and not re.search(rb"[${}<>*]|\.\.\.|X{4}|x{4}|\(", value)
    )


_SECRET_DOCUMENT = re.compile(
    rb"^[ \t]{0,4}+kind:[ \t]{1,4}+[\"']?secret[\"']?[ \t]{0,20}+\r?$", re.MULTILINE
)


def _kubernetes_value(hit: Hit) -> bool:
    first = hit.view.rfind(b"\n---", max(0, hit.at - 4096), hit.at)
    last = hit.view.find(b"\n---", hit.end, hit.end + 4096)
    low = max(0, hit.at - 4096) if first < 0 else first
    document = hit.view[low : hit.end + 4096 if last < 0 else last].lower()
    if not _SECRET_DOCUMENT.search(document) or not re.search(rb"(?m)^[ \t]{0,4}+(?:string)?data:", document):
        return False
    value = hit.value
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return (len(decoded) >= 5 and decoded.isascii()) or (len(value) >= 40 and entropy(value) > 4)


_STRONG_NAME = re.compile(
    rb"pass|pwd|secret|token|credential|creds|api[_. -]?key|access[_. -]?key|auth[_. -]?key"
    rb"|private[_. -]?key"
    rb"|(?:encryption|signing|service|account|master|session|storage|license|client|app|consumer)[_. -]?key"
)
_PASSWORD_NAME = re.compile(rb"(?:pass(?:w(?:or)?d|wd|phrase|code)?|pwd)\d?$")
_HARMLESS_NAME = re.compile(
    rb"(?:(?:_|-|\.)?(?:ids?|name|names|file|filename|path|dir|url|uri|type|length|len|size|count|index"
    rb"|field|column"
    rb"|prefix|suffix|format|regex|pattern|label|title|header|text|hint|message|msg|error|version"
    rb"|algorithm|alg|ttl"
    rb"|expiry|expires(?:_in|_at)?|env|var|ref|class|policy|store|provider|endpoint|host|str|map|list"
    rb"|set|func|chars"
    rb"|placeholder|charset|property|attribute|kind|mode|method|required|enabled|parser|handler|manager"
    rb"|service"
    rb"|arn|scope|scopes|result|results|status|state|event|code|codes|hash|digest|sha\d*|md5"
    rb"|fingerprint|checksum"
    rb"|thumbprint|pub|public|input|element|selector|option|options))$"
    rb"|public|primary|foreign|partition|sort_?key|cache|row_?key|lookup|bucket|schema|sequence"
    rb"|shortcut|hot_?key"
    rb"|key_?(?:down|up|press|board|word|stroke|code|frame|ring|pad|hole|stone|note|ed|er|s\b)|monkey"
    rb"|turkey|hockey|whiskey"
    rb"|author(?!i[sz]ation|_?token)|authentic(?!ation)|passive|passage|passenger|compass|bypass"
    rb"|surpass|tokeniz|csrf|xsrf"
    rb"|secretar|integrity|login_?(?:url|page|form|user|name)|last_?login|blog|_oid|translation|i18n"
)
_UUID = re.compile(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_IN_FRONT = re.compile(rb"[\w.-]{0,40}$")
_ASSIGNED = re.compile(
    rb"(?:pass(?:w(?:or)?d|wd|phrase)|pwd|secret|token|credential|creds|key|auth|login|sourcegraph)"
)


def _assigned(hit: Hit) -> bool:
    keyword = _ASSIGNED.match(hit.view[hit.at : hit.at + 16].lower())
    front = _IN_FRONT.search(hit.view[max(0, hit.at - 40) : hit.at])
    gap = hit.view[hit.at : hit.start].lower()
    rest = re.match(rb"[\w.-]*", gap)
    if keyword is None or front is None or rest is None:
        return False
    name = front.group().lower() + rest.group()
    operator = gap[rest.end() :]
    value = hit.value
    if _HARMLESS_NAME.search(name):
        return False
    quoted = operator.endswith((b'"', b"'", b"`"))
    if _PASSWORD_NAME.search(name) and b"," not in operator and b">" not in operator.replace(b"=>", b""):
        return password_like(value) and (quoted or not _is_name(value))
    if not random_looking(value) and not _UUID.fullmatch(value):
        return False
    strong = _STRONG_NAME.search(name) is not None
    return (len(value) >= 10 if strong else len(value) >= 20) and (
        quoted or not _is_name(value) or entropy(value) > 3.4
    )


def _is_name(value: bytes) -> bool:
    return re.fullmatch(rb"[A-Za-z_]\w*", value) is not None and len(re.findall(rb"\d", value)) < 3


_QUOTED = (
    rb"(?:[brfu@$]{0,2}+\\{0,2}+(?:\"([^\"\r\n\\\s]{6,300}+)\\{0,2}+\""
    rb"|'([^'\r\n\\\s]{6,300}+)\\{0,2}+'|`([^`\r\n\\\s]{6,300}+)`)"
)
_BARE = rb"|([^\s\"'`,;(){}\[\]<>&|\\]{6,300}+)(?=[\s,;&<\\]|$))"

RULES = (
    Rule(
        "private-key",
        Klass.SECRET,
        "SECRET",
        Confidence.HIGH,
        "private key",
        "RFC 7468, RFC 5958; OpenSSH PROTOCOL.key; RFC 9580 section 6.2",
        re.compile(rb"-----BEGIN[ A-Z0-9]{0,20}PRIVATE KEY(?: BLOCK)?-----"),
        (b"private key",),
        _has_key_body,
        extent=_key_extent,
    ),
    secret(
        "putty-key",
        "PuTTY private key",
        "PuTTY manual, appendix C: PPK file format",
        rb"PuTTY-User-Key-File-[23]: [\w@.-]{4,40}",
        "putty-user-key-file",
    ),
    secret(
        "jwt",
        "JSON web token",
        "RFC 7519 section 3, RFC 7515 section 7.1",
        START
        + rb"(?:eyJ|ewog)[A-Za-z0-9_-]{8,2000}+\.(?:eyJ|ewog)[A-Za-z0-9_-]{8,4000}+"
        + rb"\.?+[A-Za-z0-9_-]{0,2000}+",
        "eyj ewog",
        check=_is_jwt,
    ),
    secret(
        "jwt-base64",
        "JSON web token, encoded once more",
        "RFC 7519 section 3, RFC 4648 section 4",
        START + rb"ZXlK[A-Za-z0-9+/]{60,4000}+={0,2}+",
        "zxlk",
        check=of_value(lively),
    ),
    secret(
        "url-password",
        "password in a URL",
        "RFC 3986 section 3.2.1",
        rb"(?<=://)[^\s/:@\"'<>{}$|\\]{0,80}+:([^\s/@\"'<>{}$|\\]{3,100}+)@[A-Za-z0-9\[]",
        "://",
        check=_url_password,
        confidence=Confidence.MEDIUM,
    ),
    secret(
        "connection-string",
        "password in a connection string",
        "Microsoft Learn, connection string syntax; PostgreSQL documentation, 34.1.1 connection strings",
        rb"(?:^|[;\"'\s])(?:password|pwd)[ \t]{0,4}+=[ \t]{0,4}+([^;\"'\s]{4,100}+)(?=;|[\"'\s](?:host"
        rb"|user|dbname|port))",
        "password pwd",
        check=of_value(lively_password),
        confidence=Confidence.MEDIUM,
        folded=True,
    ),
    secret(
        "netrc-password",
        "password in .netrc form",
        "GNU Inetutils manual, the .netrc file",
        rb"\bmachine[ \t]{1,8}+\S{1,100}+\s{1,8}+login[ \t]{1,8}+\S{1,100}+\s{1,8}+"
        rb"password[ \t]{1,8}+(\S{4,100}+)",
        "machine",
        check=of_value(lively_password),
        confidence=Confidence.MEDIUM,
    ),
    secret(
        "curl-user",
        "user and password of a curl command",
        "curl manual, --user",
        rb"[ \t](?:-u|--user)[ =]{0,3}+"
        rb"(\"[^\"\n]{3,120}+\"(?::\"[^\"\n]{3,80}+\")?|'[^'\n]{3,120}+'"
        rb"|[^\s\"':]{0,80}+:(?:'[^'\n]{3,80}+'|[^\s\"']{3,120}+))",
        "curl",
        check=_curl_user,
        confidence=Confidence.MEDIUM,
    ),
    secret(
        "authorization-header",
        "value of an authorisation header",
        "RFC 9110 section 11.6.2, RFC 7617, RFC 6750",
        rb"(?>\bauthorization[\"']?[ \t]{0,4}+[:=,][ \t]{0,4}+[\"']?"
        rb"(?:(?:basic|bearer|token|api[_-]?token|api[_-]?key)[ \t]{1,4}+)?)"
        rb"([A-Za-z0-9+/=._~@-]{10,2000}+)",
        "authorization",
        check=_header_value,
        confidence=Confidence.MEDIUM,
        flags=re.IGNORECASE,
    ),
    secret(
        "key-header",
        "value of an API key header",
        "RFC 9110 section 5 (fields that carry a key by convention)",
        rb"(?>(?:-H|--header)[ =]{0,3}+\\?[\"'](?:x-)?[\w-]{0,20}?(?:token|api-?key|access-?key|secret)"
        rb"[ \t]{0,4}+:[ \t]{0,4}+)([A-Za-z0-9+/=._~-]{10,400}+)",
        "-h --header",
        check=_header_value,
        confidence=Confidence.MEDIUM,
        flags=re.IGNORECASE,
    ),
    secret(
        "kubernetes-secret",
        "value of a Kubernetes Secret",
        "Kubernetes documentation, Secrets",
        rb"^[ \t]{1,12}+[\w.-]{1,80}+:[ \t]{1,8}+(?:["
        rb"|>]-?[ \t]{0,4}+\r?\n[ \t]{1,12}+)?[\"']?([A-Za-z0-9+/]{8,4000}+={0,2}+)[\"']?[ \t]{0,20}+\r?$",
        "secret",
        check=_kubernetes_value,
        confidence=Confidence.MEDIUM,
        flags=re.MULTILINE,
    ),
    secret(
        "assigned-secret",
        "value assigned to a name such as password, token or api_key",
        "our own: names that credentials are given",
        rb"(?>"
        + _ASSIGNED.pattern
        + rb"[\w.-]{0,30}+[ \t]?(?:string[ \t])?[\"'`\])]{0,3}+[ \t]{0,8}+"
        + rb"(?::[ \t]{0,3}+(?:str|string|optional\[str\])[ \t]{0,3}+=|[:?+.]{0,3}+=(?![=~>])|=>"
        + rb"|\|\||[:,]|>\s{0,12}+)[ \t]{0,8}+)"
        + _QUOTED
        + _BARE,
        "pass pwd secret token cred key auth login sourcegraph",
        check=_assigned,
        confidence=Confidence.MEDIUM,
        folded=True,
        flags=re.MULTILINE,
    ),
)
