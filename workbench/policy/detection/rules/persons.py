"""Holds the rules for identifiers of persons in health care: numbers, records, dates, diagnoses.

The list follows 45 CFR 164.514(b)(2)(i). Names in free text are not here: rules do not find them.
"""

from __future__ import annotations

import re

from workbench.policy.detection import checksums
from workbench.policy.detection.rule import WORD_AFTER as END
from workbench.policy.detection.rule import WORD_BEFORE as START
from workbench.policy.detection.rule import Confidence, Hit, of_value, person

_I = re.IGNORECASE
# What may stand between a field's name and its value: quotes, separators, a column's bar.
_IS = rb"[\"']?+[ \t]{0,4}+(?:[:=#|,]|is|number|no\.?+|num|id)?+[ \t]{0,4}+[:#]?+[ \t]{0,4}+[\"']?+"
_DATE = (
    rb"(?:(?:19|20)\d\d[-/.]?(?:0\d|1[0-2]|\d(?=[-/.]))[-/.]?[0-3]?\d"
    rb"|[0-3]?\d[/.-][0-3]?\d[/.-](?:(?:19|20)\d\d|\d\d)"
    rb"|[0-3]?\d[ -][A-Za-z]{3,9}[ -](?:19|20)\d\d|[A-Za-z]{3,9} [0-3]?\d,? (?:19|20)\d\d)(?![\w/-])"
)


def _fhir_person(hit: Hit) -> bool:
    """Say whether a FHIR resource of a person holds what identifies one, not only its type."""
    near = hit.view[max(0, hit.at - 2048) : hit.end + 4096]
    parts = (b'"birthDate"', b'"family"', b'"given"', b'"identifier"', b'"telecom"', b'"address"')
    return sum(part in near for part in parts) >= 2


def _has_digits(value: bytes) -> bool:
    return sum(48 <= byte <= 57 for byte in value) >= 4 and len(set(value)) > 2


RULES = (
    person(
        "ssn",
        "SSN",
        "US social security number",
        "SSA POMS RM 10201.030 and 10201.035",
        rb"[0-9](?<![0-9A-Za-z_./-][0-9])[0-9]{2}(?P<gap>[ -])[0-9]{2}(?P=gap)[0-9]{4}(?![0-9A-Za-z_/-]"
        rb"|\.[0-9])",
        check=of_value(checksums.ssn),
        confidence=Confidence.HIGH,
    ),
    person(
        "ssn-named",
        "SSN",
        "US social security number after its name",
        "SSA POMS RM 10201.030",
        rb"(?:\bssn|social[ _-]?security)[^\d\n]{0,24}(\d{3}[ -]?\d{2}[ -]?\d{4})(?!\d)",
        "ssn social",
        check=of_value(checksums.ssn),
        confidence=Confidence.HIGH,
        flags=_I,
    ),
    person(
        "itin",
        "SSN",
        "US individual taxpayer identification number",
        "IRS Publication 1915",
        rb"[0-9](?<![0-9A-Za-z_./-][0-9])(?<=9)[0-9]{2}-[5-9][0-9]-[0-9]{4}(?![0-9A-Za-z_/-]|\.[0-9])",
        check=of_value(checksums.itin),
    ),
    person(
        "npi",
        "NPI",
        "US national provider identifier",
        "45 CFR 162.406; CMS, NPI check digit",
        rb"\bnpi[^\d\n]{0,24}([12]\d{9})(?!\d)",
        "npi",
        check=of_value(checksums.npi),
        flags=_I,
    ),
    person(
        "dea",
        "DEA",
        "US DEA registration number",
        "DEA Diversion Control Division, registration number check digit",
        START + rb"[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}" + END,
        check=of_value(checksums.dea),
    ),
    person(
        "mbi",
        "MBI",
        "US Medicare beneficiary identifier",
        "CMS, understanding the Medicare beneficiary identifier format",
        START + rb"[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?"
        rb"[AC-HJKMNP-RT-Y]{2}\d{2}(?![\w-])",
        check=of_value(lambda value: value.replace(b"-", b"") != b"1EG4TE5MK73"),
        confidence=Confidence.HIGH,
    ),
    person(
        "mrn",
        "MRN",
        "medical record or patient number after its name",
        "45 CFR 164.514(b)(2)(i)(H)",
        rb"(?>(?:(?<![a-z])mrn(?:_?(?:id|no|number))?|medical[ _-]?record|patient[ _-]?(?:id|identifier|no"
        rb"|number|nbr|num)|chart[ _-]?(?:no|number))" + _IS + rb")([A-Z]{0,4}-?\d[\dA-Z-]{3,14}+)(?![\w-])",
        "mrn medical patient chart",
        check=of_value(_has_digits),
        flags=_I,
    ),
    person(
        "member-id",
        "MEMBER",
        "health plan number after its name",
        "45 CFR 164.514(b)(2)(i)(I)",
        rb"(?>(?:member|beneficiary|subscriber|policy|insurance|health[ _-]?plan|insured)[ _-]?(?:id"
        rb"|identifier|no|number|num|#)" + _IS + rb")([A-Z]{0,4}-?\d[A-Z0-9-]{4,16}+)(?![\w-])",
        "member benefic subscriber policy insur plan",
        check=of_value(_has_digits),
        flags=_I,
    ),
    person(
        "birth-date",
        "DATE",
        "date of birth, death, admission or discharge after its name",
        "45 CFR 164.514(b)(2)(i)(C)",
        rb"(?>(?:(?<![a-z])dob|birth[ _-]?(?:date|day|dt)?|date[ _-]of[ _-](?:birth|death)|(?<![a-z])born"
        rb"|deceased|death[ _-]?date|admi(?:t|ssion)[ _-]?(?:date|dt)|discharge[ _-]?(?:date|dt))"
        rb"[\"':=|(, \t]{1,6}+(?:(?:is|on|was)[ \t]{1,2}+)?[\"']?)(" + _DATE + rb")",
        "dob birth born death deceased admi discharge",
        flags=_I,
    ),
    person(
        "person-name-field",
        "NAME",
        "name in a field that says so",
        "45 CFR 164.514(b)(2)(i)(A)",
        rb"(?>(?:patient|member|subscriber|guarantor|insured|next[ _-]of[ _-]kin|emergency[ _-]contact)"
        rb"[ _-]?(?:full[ _-]?|first[ _-]?|last[ _-]?)?name[\"']?[ \t]{0,4}+[:=][ \t]{0,4}+[\"']?)"
        rb"((?-i:[A-Z\x80-\xff])[A-Za-z'\x80-\xff-]{1,30}+"
        rb"(?:,?+ (?-i:[A-Z\x80-\xff])[A-Za-z.'\x80-\xff-]{0,30}+){0,3}+)",
        "name",
        flags=_I,
    ),
    person(
        "vin",
        "VIN",
        "vehicle identification number",
        "49 CFR 565.15; ISO 3779",
        START + rb"[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{8}" + END,
        check=of_value(checksums.vin),
    ),
    person(
        "hl7-segment",
        "HL7",
        "HL7 v2 segment about a patient, relative, guarantor or insured",
        "HL7 v2.5.1 chapters 3 and 6: PID, NK1, GT1, IN1",
        rb"(?:^|(?<=[\r\x0b]))(?:PID|NK1|GT1|IN1)\|(?=[^\r\n|]{0,20}\|)[^\r\n]{10,4000}+",
        "pid| nk1| gt1| in1|",
        check=of_value(
            lambda value: value.count(b"|") >= 5 and re.search(rb"[A-Za-z]\^|\d{4}", value) is not None
        ),
        confidence=Confidence.HIGH,
        flags=re.MULTILINE,
        record=True,
    ),
    person(
        "x12-name",
        "X12",
        "X12 name segment of a patient, subscriber or insured",
        "ASC X12N 005010X222A1: NM1 with entity codes IL, QC, 74, 03",
        rb"(?<![A-Za-z0-9])NM1\*(?:IL|QC|74|03)\*[12]\*[^~\r\n]{3,400}+",
        "nm1*",
        confidence=Confidence.HIGH,
        record=True,
    ),
    person(
        "fhir-person",
        "FHIR",
        "FHIR resource of a patient or related person",
        "HL7 FHIR R4: Patient, RelatedPerson, Person",
        rb"\"resourceType\"[ \t]{0,4}+:[ \t]{0,4}+\"(?:Patient|RelatedPerson|Person)\"",
        '"resourcetype"',
        check=_fhir_person,
        confidence=Confidence.HIGH,
        record=True,
    ),
    person(
        "icd10",
        "DIAGNOSIS",
        "ICD-10 code beside an identifier of a person",
        "ICD-10-CM official guidelines, code structure",
        rb"[A-TV-Z](?<![A-Za-z0-9_.][A-TV-Z])\d[0-9AB]\.[0-9A-TV-Z]{1,4}(?![\w.-])",
        beside=True,
    ),
)
