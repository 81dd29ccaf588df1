"""Makes synthetic values with valid check digits: none belongs to anybody, none is written out whole.

Values are put together when the tests run, so that no scanner takes this repository for a leak.
"""

from __future__ import annotations

import base64
import random
import string

UPPER, LOWER, DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits
ALPHANUMERIC = UPPER + LOWER + DIGITS
HEX = DIGITS + "abcdef"
BASE32 = UPPER + "234567"


def text(alphabet: str, size: int, seed: str = "") -> str:
    """Return `size` characters of `alphabet`, always the same ones for a seed."""
    source = random.Random(f"{alphabet}{size}{seed}")
    return "".join(source.choice(alphabet) for _ in range(size))


def luhn(stem: str) -> str:
    """Return `stem` with its Luhn check digit."""
    total = 0
    for position, char in enumerate(reversed(stem + "0")):
        digit = int(char) * (2 if position % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return stem + str(-total % 10)


def card(prefix: str = "4539", size: int = 16, seed: str = "") -> str:
    """Return a card number in an issuer's range, of no account."""
    return luhn(prefix + text(DIGITS, size - 1 - len(prefix), seed))


def iban(country: str = "GB", account: str = "QXZB20040112345678") -> str:
    """Return an IBAN of an invented bank with valid check digits."""
    number = int("".join(str(int(char, 36)) for char in account + country + "00"))
    return f"{country}{98 - number % 97:02d}{account}"


def ssn(area: int = 731, group: int = 45, serial: int = 6789, gap: str = "-") -> str:
    """Return a number in the form of a social security number."""
    return gap.join((f"{area:03d}", f"{group:02d}", f"{serial:04d}"))


def npi(stem: str = "198765432") -> str:
    """Return a national provider identifier."""
    return luhn("80840" + stem)[5:]


def dea(letters: str = "BX", stem: str = "473921") -> str:
    """Return a DEA registration number."""
    numbers = [int(char) for char in stem]
    return letters + stem + str((sum(numbers[0::2]) + 2 * sum(numbers[1::2])) % 10)


def vin(front: str = "1HGCM826", back: str = "3A004352") -> str:
    """Return a vehicle identification number."""
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(
        int(values.get(char, char)) * weight for char, weight in zip(front + back, weights, strict=True)
    )
    return front + ("X" if total % 11 == 10 else str(total % 11)) + back


def aba(stem: str = "06140987") -> str:
    """Return a routing number."""
    total = sum(int(char) * weight for char, weight in zip(stem, (3, 7, 1, 3, 7, 1, 3, 7), strict=True))
    return stem + str(-total % 10)


def jwt() -> str:
    """Return a signed token with an invented signature."""
    header, body = (
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"synthetic","iat":1}')
    )
    return f"{header}.{body}.{text(ALPHANUMERIC, 43)}"


def private_key(kind: str = "RSA ") -> str:
    """Return something in the form of a private key."""
    lines = "\n".join(text(ALPHANUMERIC + "+/", 64, str(number)) for number in range(6))
    return f"-----BEGIN {kind}PRIVATE " + f"KEY-----\n{lines}\n-----END {kind}PRIVATE " + "KEY-----"


def samples() -> dict[str, list[str]]:
    """Return, for the id of each rule, texts in which it must find exactly what is between « and »."""
    return _secrets() | _accounts() | _persons()


def _secrets() -> dict[str, list[str]]:
    def an(size: int) -> str:
        return text(ALPHANUMERIC, size)

    def hx(size: int) -> str:
        return text(HEX, size)

    return {
        "aws-access-key-id": [f"id = «{p}{text(BASE32, 16)}»" for p in ("AKIA", "ASIA", "ABIA")],
        "aws-secret-access-key": [f"aws_secret_access_key = «{an(40)}»\n", f'awsSecretKey: "«{an(40)}»"'],
        "aws-bedrock-key": [f"«ABSK{an(128)}»"],
        "gcp-api-key": [f"key=«AIza{an(35)}»"],
        "gcp-oauth": [f"«GOCSPX-{an(28)}»", f"«ya29.{an(80)}»"],
        "gcp-service-account": [f'"private_key_id": "«{hx(40)}»"'],
        "azure-storage-key": [f"AccountName=x;AccountKey=«{an(86)}==»;EndpointSuffix=core"],
        "azure-client-secret": [f"«{an(3)}8Q~{an(34)}»"],
        "azure-sas": [f"https://x/y?sv=2024&sig=«{an(43)}%3D»"],
        "azure-devops-pat": [f"«{an(76)}AZDO{an(4)}»"],
        "alibaba-access-key": [f"«LTAI{an(20)}»"],
        "digitalocean-token": [f"«dop_v1_{hx(64)}»"],
        "vault-token": [f"«hvs.{an(90)}»"],
        "vault-token-old": [f"token: «s.{an(24)}»"],
        "terraform-token": [f"«{an(14)}.atlasv1.{an(67)}»"],
        "databricks-token": [f"«dapi{hx(32)}-2»"],
        "datadog-key": [f"DD_API_KEY=«{hx(32)}»", f'datadog_app_key: "«{hx(40)}»"'],
        "anthropic-key": [f"«sk-ant-api03-{an(93)}AA»"],
        "openai-key": [f"«sk-proj-{an(74)}T3Blbk" + f"FJ{an(74)}»"],
        "huggingface-token": [f"«hf_{text(UPPER + LOWER, 34)}»"],
        "model-provider-key": [f"«gsk_{an(52)}»", f"«r8_{an(37)}»"],
        "age-key": [f"«AGE-SECRET-KEY-1{text('023456789ACDEFGHJKLMNPQRSTUVWXYZ', 58)}»"],
        "infrastructure-token": [
            f"«fo1_{an(43)}»",
            f"«HRKU-{an(60)}»",
            f"«pul-{hx(40)}»",
            f"«dp.pt.{an(43)}»",
        ],
        "openshift-token": [f"«sha256~{an(43)}»"],
        "harness-dynatrace-token": [f"«pat.{an(22)}.{an(24)}.{an(20)}»"],
        "github-token": [f"«gh{kind}_{an(36)}»" for kind in "pousr"] + [f"«github_pat_{an(22)}_{an(59)}»"],
        "gitlab-token": [f"«glpat-{an(20)}»", f"«gldt-{an(20)}»", f"«GR1348941{an(20)}»"],
        "atlassian-token": [f"«ATATT3{an(180)}»"],
        "npm-token": [f"«npm_{an(36)}»"],
        "npmrc-auth": [f"//registry.local/:_authToken=«{an(30)}»"],
        "pypi-token": [f"«pypi-AgE{an(120)}»"],
        "registry-token": [f"«rubygems_{hx(48)}»", f"«dckr_pat_{an(27)}»"],
        "docker-auth": [f'{{"auths": {{"r.local": {{"auth": "«{an(32)}»"}}}}}}'],
        "bundler-credential": ["BUNDLE_GEMS__LOCAL__" + f"COM: «{hx(8)}:{hx(8)}»"],
        "nuget-password": ['<add key="ClearTextPassword" value="«Kessel' + 'Run42x»" />'],
        "sonar-token": [f"«squ_{hx(40)}»"],
        "sourcegraph-token": [f"«sgp_{hx(40)}»"],
        "octopus-key": [f"«API-{text(UPPER + DIGITS, 26)}»"],
        "sentry-token": [f"«sntrys_{an(90)}»"],
        "grafana-token": [f"«glsa_{an(32)}_{hx(8)}»"],
        "monitoring-key": [f"«NRAK-{text(UPPER + DIGITS, 27)}»"],
        "slack-token": [f"«xoxb-{text(DIGITS, 12)}-{text(DIGITS, 13)}-{an(24)}»"],
        "slack-webhook": [f"https://hooks.slack.com/services/«T{an(8)}/B{an(8)}/{an(24)}»"],
        "chat-webhook": [f"https://discord.com/api/webhooks/«{text(DIGITS, 18)}/{an(68)}»"],
        "telegram-token": [f"«{text(DIGITS, 10)}:AA{an(33)}»"],
        "stripe-key": [f"«sk_live_{an(40)}»", f"«whsec_{an(32)}»"],
        "twilio-key": [f"«SK{hx(32)}»"],
        "twilio-auth-token": [f"TWILIO_AUTH_TOKEN=«{hx(32)}»"],
        "sendgrid-key": [f"«SG.{an(22)}.{an(43)}»"],
        "mail-service-key": [f"«key-{hx(32)}»", f"«{hx(32)}-us12»"],
        "payment-key": [f"«sq0csp-{an(43)}»", f"«shpat_{hx(32)}»"],
        "facebook-token": [f"«EAAM{an(150)}»"],
        "onepassword-token": [f"«ops_eyJ{an(300)}»"],
        "workspace-token": [f"«lin_api_{an(40)}»", f"«PMAK-{hx(24)}-{hx(34)}»"],
        "intra42-secret": [f"«s-s4t2ud-{hx(64)}»"],
        "okta-token": [f'okta_token = "«00{an(40)}»"'],
        "cloudflare-key": [f"«v1.0-{hx(24)}-{hx(146)}»"],
        "supabase-key": [f"«sbp_{hx(40)}»"],
        "private-key": [f"«{private_key()}»\n", f"x = '«{private_key('OPENSSH ')}»'", f"«{private_key('')}»"],
        "putty-key": ["«PuTTY-User-" + "Key-File-3: ssh-ed25519»\nEncryption: none\n"],
        "jwt": [f"token «{jwt()}» end"],
        "jwt-base64": [f"«{base64.b64encode(jwt().encode()).decode()}»"],
        "url-password": [f"postgres://app:«{an(14)}»@db.internal:5432/x"],
        "connection-string": [f"Server=db;User Id=sa;Password=«{an(12)}»;Encrypt=yes"],
        "netrc-password": [f"machine ftp.internal login bot password «{an(12)}»\n"],
        "curl-user": ["curl -s \\\n  -" + f"u «bot:{an(12)}» https://ci.internal/"],
        "authorization-header": [f"Authorization: Bearer «{an(40)}»"],
        "key-header": [f"curl -H 'X-Api-Key: «{an(24)}»' https://ci.internal"],
        "kubernetes-secret": ["apiVersion: v1\nkind: Secret\ndata:\n  extra: «" + "cmVkLWJsdWUtMTIzNDU=»\n"],
        "assigned-secret": [
            f'db_password = "«{an(9)}!»"',
            f"API_TOKEN=«{an(32)}»\n",
            f"client_secret: '«{hx(40)}»'",
            f'{{"apiKey": "«{an(28)}»"}}',
            f"<apiToken>\n   «{an(30)}»\n</apiToken>",
        ],
    }


def _accounts() -> dict[str, list[str]]:
    number = card()
    grouped = " ".join(number[at : at + 4] for at in range(0, 16, 4))
    amex = card("3712", 15)
    return {
        "pan": [
            f"card «{number}» ok",
            f"«{grouped}»",
            f"«{grouped.replace(' ', '-')}»,12/29",
            f"«{amex}»",
            f"«{amex[:4]} {amex[4:10]} {amex[10:]}»",
            f'"«{card("2223", seed="m")}»"',
            f"«{card('6011', seed='d')}»",
        ],
        "pan-shared-range": [f"card «{card('5018', 12)}» x"],
        "pan-published": ["«4111" + "1111" + "1111" + "1111»"],
        "track-data": [f"«;{card()}=29121011000012345678?»", f"«%B{card()}^DOE/JANE^29121011000012345678?»"],
        "iban": [f"pay to «{iban()}» now", f"«{iban('DE', '500105175407324931')}»"],
        "aba-routing": [f"routing number: «{aba()}»"],
        "bank-account": ["account number: «" + text(DIGITS, 11) + "»"],
    }


def _persons() -> dict[str, list[str]]:
    person = f"SYNTH^JANE||1970{text('0', 1)}101|F|||1 TEST ST^^NOWHERE^ZZ^00000"
    return {
        "ssn": [f"number «{ssn()}».", f"«{ssn(gap=' ')}»"],
        "ssn-named": [f"SSN: «{ssn(gap='')}»", f'"social_security_number": "«{ssn(gap="")}»"'],
        "itin": [f"«{ssn(912, 78, 1234)}»"],
        "npi": [f"NPI «{npi()}»"],
        "dea": [f"DEA# «{dea()}»"],
        "mbi": ["«2" + "HJ4-UN7-PR38»", "«2HJ4" + "UN7PR38»"],
        "mrn": ["MRN: «A-" + "0048213»", '"patient_id": "«' + '77120934»"'],
        "member-id": ["member id «XQ" + "483920174»"],
        "birth-date": ["DOB: «1970-01-31»", "date of birth «31/01/1970»", "born on «January 31, 1970»"],
        "person-name-field": ["patient name: «Synthea Testperson»", '"patientName": "«Jané Synthétique»"'],
        "vin": [f"«{vin()}»"],
        "hl7-segment": [f"MSH|^~\\&|A|B\r«PID|1||48213^^^LAB^MR||{person}»\rPV1|1"],
        "x12-name": ["ST*837~«NM" + "1*IL*1*SYNTH*JANE****MI*XQ483920174»~N3*1 TEST ST~"],
        "fhir-person": [
            '{«"resource' + 'Type": "Patient"», "birthDate": "1970-01-31", "name": [{"family": "Synth"}]}'
        ],
        "icd10": [f"SSN {ssn()} diagnosis «E11.65» noted"],
        "email": ["write to «jane.synth@clinic-synthetic.org»."],
        "phone-us": ["call «(312) 867-5309», or", "«312-867-5309»"],
        "phone-international": ["«+44 20 7946 0958»"],
        "phone-named": ["Phone: «020 7946 0958»"],
        "ip-address": ["from «91.198.174.192» at", "«2a00:1450:4001:81b:0:0:0:200e»"],
        "ip-address-private": ["from «10.20.30.40» at"],
        "mac-address": ["device «3c:22:fb:9a:01:7e» up"],
    }
