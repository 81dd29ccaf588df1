"""Measures the detector against public collections in a folder, and says which floors hold.

Nothing is fetched: clone or copy what should be measured into the folder first. Looked for, at any depth:

- `synth_dataset_v2.json` of microsoft/presidio-research (MIT): recall on structured identifiers.
- a folder `config/rules` with Go files of gitleaks/gitleaks (MIT): its positive and negative strings.

Ordinary source is measured as well, for hits a megabyte and speed: by default the standard library of Python.

    python scripts/measure_detection.py ~/collections --misses

Ends with 1 where a floor does not hold, with 2 where nothing could be measured.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workbench.policy.detection import BY_ID, MAX_SCANNED_BYTES, Klass, Material, scan

KINDS = {
    "CREDIT_CARD": ("PAN", 0.95),
    "US_SSN": ("SSN", 1.0),
    "EMAIL_ADDRESS": ("EMAIL", 0.99),
    "IBAN_CODE": ("IBAN", 0.9),
    "IP_ADDRESS": ("IP", 0.9),
    "PHONE_NUMBER": ("PHONE", 0.0),
}
"""Of presidio-research: the kind of finding that counts, and the lowest recall."""
POSITIVE_FLOOR, NEGATIVE_CEILING = 0.85, 0.33
HITS_A_MEGABYTE = 2.0
MEGABYTES_A_SECOND = 1.0
FORMS = (
    '{name}_api_token = "{value}"',
    "{name}_TOKEN={value}",
    "{name}_token: {value}",
    '"{name}Token": "{value}"',
)
"""How a generated value is written, where gitleaks writes it in forms of its own."""


@dataclass(slots=True)
class Figure:
    """One measured figure and what it must be."""

    name: str
    value: float
    floor: float | None = None
    ceiling: float | None = None
    note: str = ""
    misses: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the figure is where it must be."""
        low = self.floor is None or self.value >= self.floor
        return low and (self.ceiling is None or self.value <= self.ceiling)


def presidio(file: Path) -> Iterator[Figure]:
    """Yield the recall of each structured kind in presidio-research's texts."""
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    misses: dict[str, list[str]] = {name: [] for name in KINDS}
    outside: Counter[str] = Counter()
    for sample in json.loads(file.read_text(encoding="utf-8")):
        text = sample["full_text"]
        findings = scan(text.encode(), Material.DATA).findings
        spans = [
            (span["entity_type"], _offset(text, span["start_position"]), _offset(text, span["end_position"]))
            for span in sample["spans"]
        ]
        for name, start, end in spans:
            if name not in KINDS:
                continue
            total[name] += 1
            kinds = {BY_ID[one.rule_id].kind for one in findings if one.start < end and start < one.end}
            if KINDS[name][0] in kinds:
                found[name] += 1
            else:
                misses[name].append(text.encode()[max(0, start - 20) : end].decode("utf-8", "replace"))
        for one in findings:
            if not any(one.start < end and start < one.end for _, start, end in spans):
                outside[one.rule_id] += 1
    for name, (kind, floor) in KINDS.items():
        if total[name]:
            note = f"{found[name]} of {total[name]}"
            yield Figure(f"presidio {kind}", found[name] / total[name], floor, note=note, misses=misses[name])
    yield Figure("presidio findings outside any span", outside.total(), note=str(dict(outside)))


def _offset(text: str, position: int) -> int:
    return len(text[:position].encode())


_GO_TEXT = re.compile(r'`([^`]*)`|"((?:\\.|[^"\\\n])*)"')
_GO_LIST = re.compile(
    r"\b(tps|fps)\s*:?=\s*(?:append\(\s*\w+\s*,|\[\]string\{|map\[string\]string\{|(?=utils\.Generate))"
)
_GO_CALL = re.compile(r'utils\.GenerateSampleSecrets?\(\s*"([^"]+)"\s*,(.*)\)(?:\.\.\.)?$', re.DOTALL)
_GO_SIZED = {
    "Numeric": "0-9",
    "Hex": "a-f0-9",
    "AlphaNumeric": "a-z0-9",
    "AlphaNumericExtendedShort": "a-z0-9_-",
    "AlphaNumericExtended": "a-z0-9=_-",
    "AlphaNumericExtendedLong": "a-z0-9/=_+-",
}


def gitleaks(folder: Path) -> Iterator[Figure]:
    """Yield recall on gitleaks' positives, written out and generated, and hits on its negatives."""
    written: dict[str, list[str]] = {"tps": [], "fps": []}
    made: dict[str, list[str]] = {"tps": [], "fps": []}
    for file in sorted(folder.glob("*.go")):
        code = file.read_text(encoding="utf-8")
        for match in _GO_LIST.finditer(code):
            for element in _elements(code[match.end() :], match.group().endswith("map[string]string{")):
                values = _literal(element)
                if values:
                    written[match[1]].append(values)
                else:
                    made[match[1]] += _generated(element)
    yield _strings("gitleaks positives, written out", written["tps"], POSITIVE_FLOOR, None)
    yield _strings("gitleaks negatives, written out", written["fps"], None, NEGATIVE_CEILING)
    yield _strings("gitleaks positives, generated", made["tps"], None, None)
    yield _strings("gitleaks negatives, generated", made["fps"], None, None)


def _strings(name: str, texts: list[str], floor: float | None, ceiling: float | None) -> Figure:
    hits = [text for text in texts if _secrets(text.encode(), Material.CODE)]
    wrong = hits if floor is None and ceiling is not None else [text for text in texts if text not in hits]
    note = f"{len(hits)} of {len(texts)}"
    return Figure(name, len(hits) / max(1, len(texts)), floor, ceiling, note, [text[:160] for text in wrong])


def _secrets(data: bytes, material: Material) -> list[str]:
    return [one.rule_id for one in scan(data, material).findings if one.klass is Klass.SECRET]


def _elements(code: str, keyed: bool) -> Iterator[str]:
    """Yield the elements of a Go list whose opening is just behind; keys of a map are left out."""
    depth, at, current = 0, 0, ""
    while at < len(code):
        text = _GO_TEXT.match(code, at) if code[at] in '`"' else None
        if text:
            current, at = current + text.group(), text.end()
            continue
        char = code[at]
        at += 1
        if code.startswith("//", at - 1):
            at = code.find("\n", at) % (len(code) + 1)
            continue
        depth += (char in "({[") - (char in ")}]")
        if depth < 0 or (depth == 0 and char == "\n" and current.startswith("utils.Generate")):
            break
        if char == "," and depth == 0:
            yield _value(current, keyed)
            current = ""
        else:
            current += char
    if current.strip():
        yield _value(current, keyed)


def _value(element: str, keyed: bool) -> str:
    element = element.strip()
    key = _GO_TEXT.match(element) if keyed else None
    return element[key.end() :].lstrip(" :") if key else element


def _literal(element: str) -> str:
    """Return the text of an element that is only literals, or nothing."""
    if _GO_TEXT.sub("", element).replace("+", "").strip():
        return ""
    return "".join(_text(match) for match in _GO_TEXT.finditer(element))


def _text(match: re.Match[str]) -> str:
    if match[1] is not None:
        return match[1]
    return match[2].encode("latin-1", "backslashreplace").decode("unicode_escape")


def _generated(element: str) -> list[str]:
    call = _GO_CALL.match(element)
    value = _expression(call[2] if call else element)
    if not value:
        return []
    return [form.format(name=call[1], value=value) for form in FORMS] if call else [value]


def _expression(code: str) -> str:
    """Return a random text of a Go expression of literals and `secrets.NewSecret(pattern)`, or nothing."""
    result, rest = "", code.strip()
    while rest:
        literal = _GO_TEXT.match(rest)
        call = re.match(r"secrets\.NewSecret\(((?:[^()]|\([^()]*\))*)\)", rest)
        if literal:
            result, rest = result + _text(literal), rest[literal.end() :]
        elif call:
            pattern = _pattern(call[1])
            if not pattern:
                return ""
            result, rest = result + _random(pattern), rest[call.end() :]
        else:
            return ""
        rest = rest.lstrip().removeprefix("+").lstrip()
    return result


def _pattern(code: str) -> str:
    pattern = ""
    for part in re.split(r"\s*\+\s*(?=utils\.|[`\"])", code.strip()):
        sized = re.fullmatch(r'utils\.(\w+)\("([\d,]+)"\)', part)
        if sized and sized[1] in _GO_SIZED:
            pattern += f"[{_GO_SIZED[sized[1]]}]{{{sized[2]}}}"
        elif literal := _literal(part):
            pattern += literal
        else:
            return ""
    return pattern


_CHARSETS = re.compile(r"\[((?:\\.|[^\]\\])+)\](?:\{(\d+)(?:,(\d*))?\})?|\\(.)|(.)", re.DOTALL)


def _random(pattern: str) -> str:
    """Return a text that matches a pattern of character sets, literals and counts; nothing for others."""
    if re.search(r"(?<!\\)[()|?*]|(?<!\\)\.(?!\w*\])|[^\]]\{", re.sub(r"\[[^\]]*\]", "", pattern)):
        return ""
    source, text = random.Random(pattern), ""  # noqa: S311 - test values, the same ones each time
    for match in _CHARSETS.finditer(re.sub(r"\{0,\d\}$", "", pattern)):
        if match[1] is None:
            text += match[4] or match[5]
            continue
        chars = [chr(code) for code in range(33, 127) if re.fullmatch(f"[{match[1]}]", chr(code))]
        text += "".join(source.choice(chars) for _ in range(int(match[2] or 1)))
    return text


def source(folder: Path) -> Iterator[Figure]:
    """Yield secret hits a megabyte in ordinary source, and how fast it is searched."""
    skipped = {"site-packages", "__pycache__"}
    size, seconds, unfinished = 0, 0.0, 0
    hits: list[str] = []
    for file in sorted(folder.rglob("*.py")):
        if skipped.intersection(file.relative_to(folder).parts):
            continue
        data = file.read_bytes()
        for start in range(0, len(data), MAX_SCANNED_BYTES):
            part = data[start : start + MAX_SCANNED_BYTES]
            began = time.thread_time()
            result = scan(part, Material.CODE)
            seconds += time.thread_time() - began
            unfinished += not result.complete
            size += len(part)
            hits += [f"{file.relative_to(folder)}: {one.rule_id}" for one in result.findings]
    megabytes = size / 1e6
    secrets = [hit for hit in hits if BY_ID[hit.rpartition(": ")[2]].klass is Klass.SECRET]
    note = f"{len(secrets)} in {megabytes:.1f} MB"
    yield Figure(
        "source, secret hits a MB", len(secrets) / max(megabytes, 1e-6), None, HITS_A_MEGABYTE, note, hits
    )
    yield Figure("source, other hits", len(hits) - len(secrets))
    yield Figure("source, scans that did not finish", unfinished, None, 0)
    yield Figure("source, MB a second", megabytes / max(seconds, 1e-6), MEGABYTES_A_SECOND)


def measure(folder: Path, ordinary: Path) -> list[Figure]:
    """Return every figure that the collections in `folder` and the source in `ordinary` allow."""
    figures = [figure for file in sorted(folder.rglob("synth_dataset_v2.json")) for figure in presidio(file)]
    for rules in sorted(folder.rglob("rules")):
        if rules.parent.name == "config" and any(rules.glob("*.go")):
            figures += gitleaks(rules)
    if any(ordinary.rglob("*.py")):
        figures += source(ordinary)
    return figures


def main() -> int:
    """Print the figures; return 0 where every floor holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds the collections")
    parser.add_argument(
        "--source", type=Path, default=Path(sysconfig.get_path("stdlib")), help="ordinary Python source"
    )
    parser.add_argument("--misses", action="store_true", help="list what was missed or wrongly found")
    options = parser.parse_args()
    figures = measure(options.folder, options.source)
    for figure in figures:
        mark = "" if figure.floor is None and figure.ceiling is None else "ok" if figure.holds else "NOT MET"
        print(f"{figure.name:<38} {figure.value:>8.3f}  {mark:<8} {figure.note}")
        for miss in figure.misses if options.misses else ():
            print(f"    {miss!r}")
    if not figures:
        print("Nothing to measure there.", file=sys.stderr)
        return 2
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
