"""Attacks by a model file, and by what is asked of a model."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from workbench.core.errors import ModelError, WorkbenchError
from workbench.core.records import Effect
from workbench.core.safe_text import one_line
from workbench.model import Message, Registry, library, one_of, read_header, registry_file
from workbench.model.chat import family_of, segments
from workbench.model.files import FileIdentity
from workbench.model.grammar import check
from workbench.policy.policy import build
from workbench.policy.reader import parse_tier
from workbench.redteam.case import Attack, Breach, Case, Guard, Skip
from workbench.redteam.driving import answer, driven
from workbench.redteam.lab import SOURCE, Lab
from workbench.redteam.puppet import Puppet
from workbench.redteam.specimens import Specimen, Tensor, nested, sound, strings, text, u32

HOLDS = "the file is refused before llama.cpp sees it"
SSTI = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
"""Runs code where a template engine renders it (CVE-2024-34359)."""

_WRONG: tuple[tuple[str, str, Specimen, str], ...] = (
    ("magic", "another magic number", replace(sound(), magic=b"GGUX"), "A62"),
    ("version", "an unknown version", replace(sound(), version=99), "A62"),
    ("cut", "a file that was cut", replace(sound(), cut=64), "A62"),
    ("key_count", "more keys than there are", replace(sound(), key_count=2**63), "A62 CVE-2025-53630"),
    (
        "tensor_count",
        "more tensors than there are",
        replace(sound(), tensor_count=2**62),
        "A62 CVE-2026-27940",
    ),
    (
        "string_length",
        "a text longer than the file",
        sound().with_key("general.name", b"\x08\0\0\0" + b"\xff" * 8),
        "A62 CVE-2025-49847",
    ),
    (
        "array_length",
        "a list longer than the file",
        sound().with_key("tokenizer.ggml.tokens", strings([b"a"], count=2**60)),
        "A62 CVE-2025-49847",
    ),
    ("nested", "lists in lists", sound().with_key("x.y", nested(1000)), "A62"),
    (
        "architecture",
        "an architecture nobody knows",
        sound().with_key("general.architecture", text("evil")),
        "A62",
    ),
    ("blocks", "more blocks than there can be", sound().with_key("llama.block_count", u32(1 << 30)), "A62"),
    ("alignment", "an alignment that wraps", sound().with_key("general.alignment", u32(0xFFFFFFFF)), "A62"),
    ("alignment_zero", "an alignment of nothing", sound().with_key("general.alignment", u32(0)), "A62"),
    (
        "byte_token",
        "a byte token out of range",
        sound().with_key("tokenizer.ggml.tokens", strings([b"<0x-1>"])),
        "A62",
    ),
    (
        "tensor_offset",
        "a tensor outside the file",
        replace(sound(), tensors=(Tensor(offset=1 << 40),)),
        "A62 CVE-2026-33298",
    ),
    (
        "tensor_shape",
        "a tensor whose size wraps",
        replace(sound(), tensors=(Tensor(shape=(1 << 62, 8)),)),
        "A62 CVE-2026-27940",
    ),
    (
        "tensor_dimensions",
        "a tensor of nine dimensions",
        replace(sound(), tensors=(Tensor(shape=(1,) * 9),)),
        "A62",
    ),
    ("tensor_type", "a tensor of an unknown type", replace(sound(), tensors=(Tensor(kind=9999),)), "A62"),
    ("tensor_twice", "one tensor twice", replace(sound(), tensors=(Tensor(), Tensor())), "A62"),
    ("value_type", "a value of an unknown type", sound().with_key("x.y", b"\x63\0\0\0"), "A62"),
)


def _refused(specimen: Specimen) -> Attack:
    def attack(lab: Lab) -> str:
        path = specimen.write(lab.folder("model") / "specimen.gguf")
        try:
            read_header(path)
        except WorkbenchError as error:
            return one_line(error.cause)[:140]
        raise Breach("the header was taken")

    return attack


def _not_a_file(lab: Lab) -> str:
    """A directory and a device by the name of a model."""
    folder = lab.folder("model.gguf")
    for path in (folder, Path("/dev/zero")):
        try:
            read_header(path)
        except WorkbenchError:
            continue
        raise Breach(f"{path.name} was taken for a model")
    return "only regular files are models"


def _template(lab: Lab) -> str:
    """A template that runs code where it is rendered: it must stay text nobody interprets."""
    specimen = sound().with_key("tokenizer.chat_template", text(f"<|im_start|><|im_end|>{SSTI}"))
    header = read_header(specimen.write(lab.folder("model") / "specimen.gguf"))
    prompt = prompted(family_of(header), f"<|im_start|><|im_end|>{SSTI}")
    if "__subclasses__" in prompt or "<class" in prompt:
        raise Breach("the template had a say in the prompt")
    return f"the format is our own {family_of(header)}; the template is only hashed"


def prompted(family: str, template: str) -> str:
    """Return the prompt that is made for a model with this template, which is not asked."""
    del template
    return "".join(text for text, _ in segments(family, [Message("user", "hello")]))


def _no_template_engine(_lab: Lab) -> str:
    """The engine is loaded by the library itself; what must hold is that nothing of ours calls it."""
    ours = [
        name
        for name, module in sys.modules.items()
        if name.startswith("workbench.") and "jinja2" in vars(module)
    ]
    if ours:
        raise Breach(f"{ours[0]} holds a template engine")
    return "no module of this program holds one"


def _pickles(_lab: Lab) -> str:
    """The binding imports a cache that reads pickles, which run code: it must get an empty module."""
    try:
        library.load()
    except ModelError as error:
        raise Skip(error.cause) from None
    if hasattr(sys.modules.get("diskcache"), "Cache"):
        raise Breach("the cache that reads pickles is loaded")
    return "the binding was given an empty module in its place"


def _swapped(lab: Lab) -> str:
    """Register a file, then put other weights in its place, with its size and times kept."""
    folder = lab.folder("models")
    path = sound().write(folder / "specimen.gguf")
    with path.open("rb") as stream:
        identity = FileIdentity.of(stream)
    import hashlib

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    model = registry_file.RegisteredModel(
        "specimen", path, digest, identity, "chatml", "llama", 512, "2026-01-01"
    )
    registry_file.write(folder / "registry.json", registry_file.Registrations((model,), "specimen"))
    other = bytearray(path.read_bytes())
    other[-1] ^= 1
    replacement = folder / "other"
    replacement.write_bytes(other)
    os.utime(replacement, ns=(identity.mtime_ns, identity.mtime_ns))
    replacement.rename(path)
    try:
        Registry(folder).checked("specimen")
    except WorkbenchError as error:
        return one_line(error.cause)[:140]
    raise Breach("other weights than those registered would be loaded")


def _pinned(_lab: Lab) -> str:
    policy = build(
        [parse_tier(f'[model]\nallow = ["{"a" * 64}"]\n'.encode(), tier="user", file="policy.toml")]
    )
    verdict = policy.model("b" * 64)
    if verdict.effect is not Effect.DENY:
        raise Breach("a model that policy does not list may run")
    return verdict.rule.name


def _grammar(_lab: Lab) -> str:
    """A grammar that crashes llama.cpp's own parser."""
    for grammar in ('root ::= "x', "root ::= ((((", "", "root ::= missing", "root ::= " + "(" * 5000):
        try:
            check(grammar)
        except WorkbenchError:
            continue
        raise Breach(f"the grammar {grammar!r} was taken")
    check(one_of(["a", "b"]))
    return "only grammars that are understood reach llama.cpp"


def _too_long(lab: Lab) -> str:
    """A symbol larger than the window: to be refused, not cut."""
    body = "".join(f"    beds = beds + {number}\n" for number in range(200))
    source = f"def free(beds, taken):\n{body}    return beds\n"
    puppet = Puppet([answer()], context_size=1024)
    with driven(lab.repository({"plain.py": source}), puppet) as session:
        session.task()
        told = session.session.status().error
    if any("beds + 10" in message.text for request in puppet.heard for message in request.messages):
        raise Breach("the model was asked with a text that had been cut")
    return one_line(told) or "refused"


def _endless(lab: Lab) -> str:
    """A model that never gets anywhere: there is a last try."""
    puppet = Puppet(["I am thinking. " * 50])
    with driven(lab.repository({"plain.py": SOURCE}), puppet) as session:
        session.task()
    if len(puppet.heard) > 20:
        raise Breach(f"the model was asked {len(puppet.heard)} times")
    if any(request.max_tokens <= 0 or request.max_tokens > 8192 for request in puppet.heard):
        raise Breach("an answer has no bound")
    return f"given up after {len(puppet.heard)} tries, each with a bound"


_ARGUED = {
    "not_a_file": "a careless reader fails on these as well; that it fails in bounds is the point",
    "template_engine": "reads the loaded modules: there is no guard to switch off, only an absence",
    "pickles": "reads the loaded modules; tests/model sees that the binding starts without the real one",
}

_OTHERS: tuple[tuple[str, str, Attack, str, Guard, str], ...] = (
    (
        "not_a_file",
        "a directory and a device in a model's place",
        _not_a_file,
        "A14 A62",
        Guard.HEADER,
        HOLDS,
    ),
    (
        "template",
        "a chat template that runs code",
        _template,
        "A61 CVE-2024-34359",
        Guard.PROMPT,
        "no embedded template is ever rendered",
    ),
    (
        "template_engine",
        "a template engine in this program's own modules",
        _no_template_engine,
        "A61 CVE-2026-5760",
        Guard.PROMPT,
        "there is none",
    ),
    (
        "pickles",
        "the library's cache that reads pickles",
        _pickles,
        "A64 CVE-2025-69872",
        Guard.PROMPT,
        "it is not loaded",
    ),
    (
        "swapped",
        "other weights in a registered file's place",
        _swapped,
        "A63",
        Guard.HEADER,
        "the digest is computed again, and differs",
    ),
    (
        "pinned",
        "a model that policy does not list",
        _pinned,
        "A63",
        Guard.TIERS,
        "policy pins models by digest",
    ),
    (
        "grammar",
        "a grammar that crashes the library",
        _grammar,
        "A62",
        Guard.PROMPT,
        "grammars are checked first",
    ),
    (
        "too_long",
        "a text larger than the model's window",
        _too_long,
        "A65",
        Guard.PROMPT,
        "it is refused, never cut",
    ),
    (
        "endless",
        "a model that never answers usefully",
        _endless,
        "A66",
        Guard.PROMPT,
        "tries and answers have bounds",
    ),
)

CASES = (
    *(
        Case(f"model.{name}", title, source, HOLDS, Guard.HEADER, _refused(specimen))
        for name, title, specimen, source in _WRONG
    ),
    *(
        Case(f"model.{name}", title, source, holds, guard, attack, _ARGUED.get(name, ""))
        for name, title, attack, source, guard, holds in _OTHERS
    ),
)
