"""Computes the check digits and number ranges that tell an identifier from a number that looks like one.

Sources: ISO/IEC 7812-1 annex B (Luhn), ISO/IEC 7812-1 and the card schemes' published ranges, ISO 13616-1
(IBAN), 45 CFR 162.406 and CMS "NPI check digit" (NPI), DEA Diversion Control Division (registration numbers),
49 CFR 565.15 (VIN), ABA routing number policy, SSA POMS RM 10201.035 (social security numbers).
"""

from __future__ import annotations

import re

_NOT_DIGIT = re.compile(rb"[^0-9]")
_NOT_WORD = re.compile(rb"[^0-9A-Za-z]")


def digits(value: bytes) -> bytes:
    """Return only the digits of `value`."""
    return _NOT_DIGIT.sub(b"", value)


def luhn(number: bytes) -> bool:
    """Say whether the last digit of `number` is its Luhn check digit."""
    total = 0
    for position, byte in enumerate(reversed(number)):
        digit = byte - 48
        if position % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


# (first, last, how many leading digits they have, lengths)
_SCHEMES: tuple[tuple[int, int, int, frozenset[int]], ...] = (
    (4, 4, 1, frozenset({13, 16, 19})),  # Visa
    (51, 55, 2, frozenset({16})),  # Mastercard
    (2221, 2720, 4, frozenset({16})),
    (34, 34, 2, frozenset({15})),  # American Express
    (37, 37, 2, frozenset({15})),
    (6011, 6011, 4, frozenset(range(16, 20))),  # Discover
    (644, 649, 3, frozenset(range(16, 20))),
    (65, 65, 2, frozenset(range(16, 20))),
    (3528, 3589, 4, frozenset(range(16, 20))),  # JCB
    (300, 305, 3, frozenset(range(14, 20))),  # Diners Club
    (3095, 3095, 4, frozenset(range(14, 20))),
    (36, 36, 2, frozenset(range(14, 20))),
    (38, 39, 2, frozenset(range(14, 20))),
    (62, 62, 2, frozenset(range(16, 20))),  # UnionPay
    (2200, 2204, 4, frozenset(range(16, 20))),  # Mir
)
# Ranges that overlap with too much else, or are no longer issued: the number alone does not make it a card.
_WEAK_SCHEMES: tuple[tuple[int, int, int, frozenset[int]], ...] = (
    (50, 50, 2, frozenset(range(12, 20))),  # Maestro
    (56, 58, 2, frozenset(range(12, 20))),
    (60, 60, 2, frozenset(range(12, 20))),
    (63, 63, 2, frozenset(range(12, 20))),
    (67, 67, 2, frozenset(range(12, 20))),
    (35, 35, 2, frozenset({16})),  # around JCB
    (1800, 1800, 4, frozenset({15})),  # JCB, old
    (2131, 2131, 4, frozenset({15})),
)
# Numbers that card schemes and payment providers publish for testing, without their check digit, so that
# no scanner takes this file for a list of cards.
_TEST_CARDS = frozenset(
    b"""
    411111111111111 424242424242424 401288888888188 400005665566555 422222222222 400000000000000
    400000000000999 401200003333002 426398264026929 491748458989710 400191925753719 400770283553245
    555555555555444 510510510510510 520082828282821 545454545454545 542523343010990 222300312200322
    222242000000111 222300004841001 37828224631000 37144963539843 37873449367100 37424545540012
    601111111111111 601100099013942 601100040000000 601198111111111 353011133330000 356600202036050
    356611111111111 3056930902590 3852000002323 3622720627166 305693000902000 620000000000000
    630400000000000 675964982643845 501971701010374 633110199999001 400000250000315
    """.split()
)


def _in_ranges(number: bytes, schemes: tuple[tuple[int, int, int, frozenset[int]], ...]) -> bool:
    size = len(number)
    return any(low <= int(number[:lead]) <= high for low, high, lead, sizes in schemes if size in sizes)


def _may_be_card(number: bytes) -> bool:
    return 12 <= len(number) <= 19 and len(set(number)) > 2 and luhn(number)


def card(value: bytes) -> bool:
    """Say whether `value` is a card number in a range that is issued today, and no published test "
    "number."""
    number = digits(value)
    return _may_be_card(number) and not published_card(number) and _in_ranges(number, _SCHEMES)


def weak_card(value: bytes) -> bool:
    """Say whether `value` is a card number in one of the ranges that other numbers share."""
    number = digits(value)
    if published_card(number) or not _may_be_card(number):
        return False
    return _in_ranges(number, _WEAK_SCHEMES) and not _in_ranges(number, _SCHEMES)


def published_card(value: bytes) -> bool:
    """Say whether `value` is a card number that is published for testing."""
    number = digits(value)
    return number[:-1] in _TEST_CARDS and luhn(number)


_IBAN_SIZES = {
    country: size
    for size, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL FK SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK MN",
        21: "CH CR HR LI LV",
        22: "BG BH DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM TL SO",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.encode().split()
}
# From the registry's own documentation, without their check digits.
_EXAMPLE_IBANS = frozenset(
    b"GBWEST12345698765432 GBNWBK60161331926819 DE370400440532013000 FR20041010050500013M02606".split()
)


def iban(value: bytes) -> bool:
    """Say whether `value` is an IBAN of a registered country, its length and its remainder of 97 right."""
    text = _NOT_WORD.sub(b"", value).upper()
    if (
        _IBAN_SIZES.get(text[:2]) != len(text)
        or text[:2] + text[4:] in _EXAMPLE_IBANS
        or not text[2:4].isdigit()
    ):
        return False
    return int("".join(str(int(chr(byte), 36)) for byte in text[4:] + text[:4])) % 97 == 1


# From advertisements, forms and manuals: no person's.
_PUBLISHED_SSNS = (b"078051120", b"219099999", b"123456789", b"457555462", b"111223333")


def ssn(value: bytes) -> bool:
    """Say whether `value` can have been issued as a social security number: area, group and serial."""
    number = digits(value)
    area, group, serial = number[:3], number[3:5], number[5:]
    if len(number) != 9 or area in (b"000", b"666") or area >= b"900" or group == b"00" or serial == b"0000":
        return False
    return number not in _PUBLISHED_SSNS and len(set(number)) > 1


def itin(value: bytes) -> bool:
    """Say whether `value` is in the range of individual taxpayer numbers (IRS Publication 1915)."""
    number = digits(value)
    group = int(number[3:5]) if len(number) == 9 else 0
    return number[:1] == b"9" and (
        50 <= group <= 65 or 70 <= group <= 88 or group in (90, 91, 92, *range(94, 100))
    )


def npi(value: bytes) -> bool:
    """Say whether `value` is a national provider identifier: Luhn over it with 80840 before it."""
    number = digits(value)
    return (
        len(number) == 10 and number[:1] in b"12" and number[:9] != b"123456789" and luhn(b"80840" + number)
    )


def dea(value: bytes) -> bool:
    """Say whether the seventh digit of a DEA registration number is its check digit."""
    number = digits(value[2:])
    if len(number) != 7 or len(set(number)) < 3:
        return False
    one, two, three, four, five, six, last = (byte - 48 for byte in number)
    return (one + three + five + 2 * (two + four + six)) % 10 == last


_VIN_VALUES = dict(zip(b"ABCDEFGHJKLMNPRSTUVWXYZ", b"12345678123457923456789", strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin(value: bytes) -> bool:
    """Say whether the ninth character of a vehicle identification number is its check digit."""
    if len(value) != 17 or len(set(value)) < 6 or not re.search(rb"[A-Z]", value) or not value[13:].isdigit():
        return False
    total = sum(
        (_VIN_VALUES.get(byte, byte) - 48) * weight for byte, weight in zip(value, _VIN_WEIGHTS, strict=True)
    )
    remainder = total % 11
    return value[8:9] == (b"X" if remainder == 10 else b"%d" % remainder)


def aba(value: bytes) -> bool:
    """Say whether `value` is a routing number: its Federal Reserve district and its check digit."""
    number = digits(value)
    if len(number) != 9 or len(set(number)) < 3:
        return False
    district = int(number[:2])
    if not (district <= 12 or 21 <= district <= 32 or 61 <= district <= 72 or district == 80):
        return False
    return sum((byte - 48) * weight for byte, weight in zip(number, (3, 7, 1) * 3, strict=True)) % 10 == 0
