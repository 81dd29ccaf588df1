"""Holds the rules for what reaches a person: e-mail, telephone, network addresses."""

from __future__ import annotations

import ipaddress
import re

from workbench.policy.detection.checksums import digits
from workbench.policy.detection.rule import Confidence, Hit, of_value, person

_RESERVED_MAIL = re.compile(
    rb"@(?:example\.(?:com|org|net|edu)|localhost|[\w.-]*\.(?:invalid|example|test|localhost|local))$"
    rb"|^(?:git|noreply|no-reply|donotreply)@|@users\.noreply\.github\.com$",
    re.IGNORECASE,
)
_FILE_SUFFIX = re.compile(
    rb"\.(?:png|jpe?g|gif|svg|webp|js|css|py|ts|so|md|service|target|socket|timer)$", re.IGNORECASE
)


def _mail(value: bytes) -> bool:
    return not _RESERVED_MAIL.search(value) and not _FILE_SUFFIX.search(value) and b".." not in value


def _public_address(value: bytes) -> bool:
    if b"." not in value and value.count(b":") < 3:
        return False
    try:
        address = ipaddress.ip_address(value.decode("ascii"))
    except ValueError:
        return False
    # Not global: private, loopback, link-local, unspecified, documentation (RFC 5737, RFC 3849).
    return address.is_global and not address.is_multicast


def _private_address(value: bytes) -> bool:
    try:
        address = ipaddress.ip_address(value.decode("ascii"))
    except ValueError:
        return False
    return any(address in network for network in _PRIVATE if network.version == address.version)


_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def _telephone(value: bytes) -> bool:
    number = digits(value)
    # 555-0100 to 555-0199 are reserved for fiction (NANPA).
    return 7 <= len(number) <= 15 and len(set(number)) > 2 and not re.search(rb"55501\d\d$", number[:10])


def _us_telephone(hit: Hit) -> bool:
    number = digits(hit.value.lower().partition(b"x")[0].partition(b"e")[0])
    if len(number) == 11 and number[:1] == b"1":
        number = number[1:]
    return len(number) == 10 and number[3:8] != b"55501" and number[1:3] != b"11" and len(set(number)) > 2


_IPV4 = rb"[0-9](?<![0-9A-Za-z_.-][0-9])[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z_-]|\.[0-9])"
_IPV6 = rb"(?<![0-9A-Za-z_:.])(?=[0-9A-Fa-f]{0,4}+:)[0-9A-Fa-f:]{6,39}+(?![0-9A-Za-z_]|\.[0-9])"

RULES = (
    person(
        "email",
        "EMAIL",
        "e-mail address",
        "RFC 5321 section 4.1.2, RFC 5322 section 3.4.1",
        rb"(?<![\w.+%-])[\w.+%'-]{1,64}+@(?:[A-Za-z0-9-]{1,63}+\.){1,6}[A-Za-z]{2,24}(?![\w-])",
        "@",
        check=of_value(_mail),
    ),
    person(
        "phone-us",
        "PHONE",
        "North American telephone number",
        "NANPA, NANP numbering: NXX-NXX-XXXX",
        rb"(?<![\w.+/-])(?:\+?1[-. ]{0,2}+)?(?:\([2-9]\d\d\)[ -]?|[2-9]\d\d[-. ])[2-9]\d\d[-. ]\d{4}"
        rb"(?:[ ]?(?:x|ext\.?)[ ]?\d{1,6}+)?+(?![\w/-])",
        check=_us_telephone,
    ),
    person(
        "phone-international",
        "PHONE",
        "telephone number with a country code",
        "ITU-T E.164 and E.123",
        rb"\+(?<![\w.+/-]\+)[1-9](?:[-. ()]{0,2}+\d){6,14}(?![\w/-])",
        "+",
        check=of_value(_telephone),
    ),
    person(
        "phone-named",
        "PHONE",
        "telephone or fax number after its name",
        "45 CFR 164.514(b)(2)(i)(D) and (E)",
        rb"\b(?:phone|mobile|cell|fax|telephone|tel|call|contact|ph)\b[ _\w]{0,8}?[\"':=. #\r\n]{1,6}+"
        rb"(\+?[\d(](?:[() ./-]{0,2}+\d){6,14}(?:[ ]?x\d{1,5}+)?+)(?![\w-])",
        "phone mobile cell fax tel call contact ph",
        check=of_value(_telephone),
        flags=re.IGNORECASE,
    ),
    person(
        "ip-address",
        "IP",
        "public IP address",
        "45 CFR 164.514(b)(2)(i)(O); RFC 791, RFC 4291",
        _IPV4 + rb"|" + _IPV6,
        check=of_value(_public_address),
    ),
    person(
        "ip-address-private",
        "IP",
        "private IP address",
        "RFC 1918, RFC 4193, RFC 6598",
        _IPV4 + rb"|" + _IPV6,
        check=of_value(_private_address),
        confidence=Confidence.LOW,
    ),
    person(
        "mac-address",
        "DEVICE",
        "hardware address",
        "45 CFR 164.514(b)(2)(i)(M); IEEE 802",
        rb"(?<![\w:.-])[0-9A-Fa-f]{2}(?P<gap>[:-])[0-9A-Fa-f]{2}(?:(?P=gap)[0-9A-Fa-f]{2}){4}(?![\w:-])",
        check=of_value(lambda value: len(set(value)) > 4),
        confidence=Confidence.LOW,
    ),
)
