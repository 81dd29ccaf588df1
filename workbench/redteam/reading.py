"""Attacks on the read gate: denied names in disguise, and harmless names for what is denied.

Every attack plants a file that holds the canary, and asks for it as the agent does, through the broker. It
is a breach if the canary comes back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from workbench.core.errors import WorkbenchError
from workbench.core.records import Principal
from workbench.core.safe_text import one_line
from workbench.redteam.case import Attack, Breach, Case, Guard, Skip
from workbench.redteam.lab import Lab
from workbench.repo import ReadGate

HOLDS = "the bytes are refused, and the refusal is on record"

# Name, what it tries, the path asked for, the path planted where that is another one, the source.
_NAMES: tuple[tuple[str, str, str, str, str], ...] = (
    ("dotenv", "`.env`", ".env", "", "S1 A5"),
    ("dotenv_dot", "`./.env`", "./.env", ".env", "S1 A5"),
    ("dotenv_slashes", "`.//./.env`, which names the same file", ".//./.env", ".env", "A5"),
    ("dotenv_case", "`.ENV.Production`, for a file system that folds case", "a/.ENV.Production", "", "S2 A9"),
    ("dotenv_fullwidth", "a full-width full stop, `．env`", "．env", "", "S4 A17"),
    ("dotenv_zero_width", "a zero-width space after `.env`", ".env\u200b", "", "S5 A17"),
    ("dotenv_variation", "a variation selector inside `.env`", ".en\ufe0fv", "", "S5 A17"),
    ("dotenv_trailing_dot", "`.env.`, for a file system that drops the dot", ".env.", "", "S6 A5"),
    ("dotenv_trailing_space", "`.env `, for a file system that drops the blank", ".env ", "", "S6 A5"),
    ("dotenv_below_nfd", "`.env` below a decomposed `é`", "e\u0301/.env", "", "S7 A17"),
    ("dotenv_control", "`.env` behind a carriage return", "notes\r.env", "", "S31 A23"),
    ("escape_in_name", "a name that holds an escape sequence", "a\x1b]52;c;eA\x07.txt", "", "S31 A50"),
    ("newline_in_name", "a name that holds a new line", "a.txt\n.env", "", "S31"),
    ("nul", "`.env`, a NUL, `.txt`", ".env\0.txt", ".env", "S31"),
    ("ssh_key", "a private key in `.ssh`", "x/.ssh/id_rsa", "", "S8"),
    ("ssh_key_elsewhere", "`id_ed25519` outside `.ssh`", "docs/id_ed25519", "", "floor"),
    ("pem", "`deploy.PEM`", "deploy.PEM", "", "S9"),
    ("key_store", "a Java key store", "app/prod.jks", "", "floor"),
    ("tfstate", "Terraform's state, as a backup", "terraform.tfstate.backup", "", "S10"),
    ("swap_file", "an editor's swap file of a source", "src/.app.py.swp", "", "S11"),
    ("backup_file", "an editor's backup", "app.py~", "", "S11"),
    ("cloud", "an AWS credentials file", "home/.aws/credentials", "", "floor"),
    ("registry", "a package registry's token", ".npmrc", "", "floor"),
    ("history", "a shell's history", ".bash_history", "", "floor"),
    ("phi_folder", "a file below `phi/`", "phi/one.txt", "", "floor"),
    ("dicom", "a medical image", "scans/head.dcm", "", "floor"),
    ("hl7", "an HL7 message", "in/adt.hl7", "", "floor"),
    ("git_config", "`.git/config`", ".git/config", "", "S12 A16"),
    ("git_nested", "`.git` of a repository inside the worktree", "vendor/lib/.git/config", "", "S12 S14"),
    ("git_logs", "what git keeps of commits, below `.git/logs`", ".git/logs/stolen", "", "S39 S40"),
    ("own_state", "an unfinished write of this program", ".workbench-tmp-1", "", "S67"),
    ("parent", "`src/../.env`", "src/../.env", ".env", "S19 A5"),
    ("parent_outside", "`../` out of the worktree", "../{outside}/secret", "-", "S19 A7"),
    ("prefix", "a sibling whose name begins like the worktree's", "../{sibling}/secret", "-", "A6"),
    ("backslash", "`src\\..\\.env`", "src\\..\\.env", ".env", "S19 A5"),
    ("absolute", "an absolute path", "{absolute}", "-", "S20 A7"),
    ("home", "`~` for the home directory", "~/secret", "-", "S20 A8"),
    ("file_url", "a `file://` address", "file://{absolute}", "-", "S20 A8"),
    ("data_asks", "a table of persons, which asks for a release first", "export.csv", "", "S36"),
    ("archive_asks", "an archive, which may hold anything", "copy.zip", "", "S36"),
    ("notebook_asks", "a notebook with outputs", "analysis.ipynb", "", "S37"),
    ("log_asks", "a log with what passed through", "server.log", "", "S37"),
)


def asked(lab: Lab, path: str) -> str:
    """Read `path` as the agent, and return what stopped it.

    Raises:
        Breach: The canary came back.
    """
    return kept(lab, lambda: lab.ward.broker.read(path, actor=lab.agent, purpose="edit").data)


def kept(lab: Lab, get: Callable[[], bytes]) -> str:
    """Return what stopped `get`, or that what it gave holds nothing.

    Raises:
        Breach: It gave the canary.
    """
    try:
        data = get()
    except WorkbenchError as error:
        return one_line(error.cause)
    if lab.canary.encode() in data:
        raise Breach("the bytes of the file came back")
    return "nothing of the file came back"


def planted(lab: Lab, path: str, root: Path | None = None) -> Path:
    """Make a file that holds the canary beneath the worktree, and return it."""
    file = (root or lab.ward.worktree.root) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.is_symlink():
        with file.open("a") as stream:
            stream.write(f"{lab.canary}\n")
    return file


def _by_name(path: str, plant: str) -> Attack:
    def attack(lab: Lab) -> str:
        root, name = lab.ward.worktree.root, path
        if plant != "-":
            planted(lab, plant or path)
        if "{sibling}" in path:
            sibling = root.with_name(f"{root.name}-old")
            sibling.mkdir(exist_ok=True)
            (sibling / "secret").write_text(lab.canary)
            name = path.format(sibling=sibling.name)
        elif path.startswith("~"):
            (lab.place / "secret").write_text(lab.canary)
        elif "{" in path:
            name = path.format(outside=lab.outside.name, absolute=lab.outside / "secret")
        return asked(lab, name)

    return attack


# -- links, special files, sizes --


def _symlink(lab: Lab) -> str:
    planted(lab, ".env")
    (lab.ward.worktree.root / "link-to-env").symlink_to(".env")
    return asked(lab, "link-to-env")


def _symlink_outside(lab: Lab) -> str:
    (lab.ward.worktree.root / "link-outside").symlink_to(lab.outside / "secret")
    return asked(lab, "link-outside")


def _linked_directory(lab: Lab) -> str:
    (lab.ward.worktree.root / "linked").symlink_to(lab.outside)
    return asked(lab, "linked/secret")


def _proc_root(lab: Lab) -> str:
    (lab.ward.worktree.root / "magic").symlink_to("/proc/self/root")
    return asked(lab, f"magic{lab.outside}/secret")


def _proc_cwd(lab: Lab) -> str:
    (lab.ward.worktree.root / "cwd").symlink_to(f"/proc/self/cwd/{os.path.relpath(lab.outside)}")
    return asked(lab, "cwd/secret")


def _link_chain(lab: Lab) -> str:
    root = lab.ward.worktree.root
    (root / "first").symlink_to("second")
    (root / "second").symlink_to(lab.outside / "secret")
    return asked(lab, "first")


def _link_loop(lab: Lab) -> str:
    root = lab.ward.worktree.root
    (root / "loop").symlink_to("loop")
    return asked(lab, "loop/file")


def _hard_link(lab: Lab) -> str:
    target = planted(lab, ".env")
    os.link(target, lab.ward.worktree.root / "notes-linked.md")
    try:
        return asked(lab, "notes-linked.md")
    finally:
        (lab.ward.worktree.root / "notes-linked.md").unlink()


def _hard_link_outside(lab: Lab) -> str:
    linked = lab.ward.worktree.root / "linked-in.md"
    os.link(lab.outside / "secret", linked)
    try:
        return asked(lab, "linked-in.md")
    finally:
        linked.unlink()


def _created_later(lab: Lab) -> str:
    asked(lab, "late/.env")
    planted(lab, "late/.env")
    return asked(lab, "late/.env")


def _environment(lab: Lab) -> str:
    for path in ("/proc/self/environ", f"/proc/{os.getpid()}/environ", "/dev/stdin"):
        try:
            lab.ward.broker.read(path, actor=lab.agent, purpose="edit")
        except WorkbenchError:
            continue
        raise Breach(f"{path} was read")
    return "refused by their names"


def _fifo(lab: Lab) -> str:
    shadow = lab.shadow()
    try:
        made = lab.runner.run(["mkfifo", "pipe"], shadow)
        if made.code:
            raise Skip("no named pipe could be made")
        with ReadGate(shadow) as gate:
            return kept(lab, lambda: gate.read("pipe").data)
    finally:
        (shadow / "pipe").unlink(missing_ok=True)
        shadow.rmdir()


def _too_large(lab: Lab) -> str:
    file = planted(lab, "large.txt")
    with file.open("ab") as stream:
        stream.truncate(2 << 20)
    return asked(lab, "large.txt")


def _binary(lab: Lab) -> str:
    planted(lab, "blob.py").write_bytes(b"\0" + lab.canary.encode())
    return asked(lab, "blob.py")


def _utf16(lab: Lab) -> str:
    planted(lab, "wide.py").write_bytes(b"\xff\xfe" + "key".encode("utf-16-le") + lab.canary.encode())
    return asked(lab, "wide.py")


# -- other doors to the same files --


def _search(lab: Lab) -> str:
    planted(lab, ".env")
    planted(lab, "phi/one.txt")
    found = lab.ward.broker.search(lab.canary, [".env", "phi/one.txt", "link-to-env"], actor=lab.agent)
    if found:
        raise Breach(f"the search looked into {', '.join(content.path for content in found)}")
    return "nothing was found in what is denied"


def _many(lab: Lab) -> str:
    planted(lab, ".env")
    found = lab.ward.broker.read_many([".env", "plain.py"], actor=lab.agent, purpose="context")
    if any(lab.canary.encode() in content.data for content in found):
        raise Breach("reading many at once gave what reading one does not")
    return f"{len(found)} of 2 files given"


def _listing(lab: Lab) -> str:
    planted(lab, ".env")
    listed = lab.ward.broker.list(actor=lab.agent)
    if any(lab.canary in path for path in listed):
        raise Breach("the listing holds contents")
    denied = [path for path in listed if path == ".git" or path.startswith(".git/")]
    if denied:
        raise Breach(f"git's own files are listed: {denied[0]}")
    return f"{len(listed)} names, no content"


def _by_a_person(lab: Lab) -> str:
    planted(lab, "deploy.key")
    human: Principal = lab.ward.person
    return kept(lab, lambda: lab.ward.broker.read("deploy.key", actor=human, purpose="view").data)


def _comparing(lab: Lab) -> str:
    planted(lab, ".env")
    broker = lab.ward.broker
    return kept(lab, lambda: found.data if (found := broker.present(".env", actor=lab.agent)) else b"")


def _on_record(lab: Lab) -> str:
    planted(lab, ".env")
    before = lab.ward.ledger.size
    try:
        lab.ward.broker.read(".env", actor=lab.agent, purpose="edit")
    except WorkbenchError:
        rows = [entry for entry in lab.ward.reader.entries(before) if entry.type == "file.read_denied"]
        if rows:
            return "the refusal is a row of its own"
        raise Breach("the refusal left no row") from None
    raise Breach("it was read")


_LINKS: tuple[tuple[str, str, Attack, str], ...] = (
    ("symlink", "a link to `.env`", _symlink, "S15 A1 CVE-2026-25724"),
    ("symlink_outside", "a link out of the worktree", _symlink_outside, "S15 A1 CVE-2025-59829"),
    ("symlink_directory", "a directory that is a link to outside", _linked_directory, "S16 A12"),
    ("symlink_proc_root", "a link to `/proc/self/root`", _proc_root, "S17"),
    ("symlink_proc_cwd", "a link through `/proc/self/cwd`", _proc_cwd, "S17"),
    ("symlink_chain", "a link to a link", _link_chain, "S15"),
    ("hard_link", "a hard link to `.env` by another name", _hard_link, "S21 A3"),
    ("hard_link_outside", "a hard link to a file outside", _hard_link_outside, "S22 A3"),
    ("proc_environ", "`/proc/self/environ` and `/dev/stdin`", _environment, "A14 A55"),
    ("created_later", "a denied file that is made after the first look", _created_later, "A10"),
    ("too_large", "a file larger than may be read", _too_large, "S34"),
    ("binary", "binary data by the name of a source", _binary, "S35"),
    ("utf16", "UTF-16, which hides text from a scan", _utf16, "S35"),
    ("search", "the search, for what stands in denied files", _search, "A15"),
    ("many", "reading many files at once", _many, "A15"),
    ("by_a_person", "a key, asked for by the person on the screen", _by_a_person, "S8 A15"),
    ("comparing", "the comparison with the disk, which hashes a file", _comparing, "A15"),
    ("on_record", "a denied read that nobody is told of", _on_record, "A15"),
)

CASES = (
    *(
        Case(f"path.{name}", title, source, HOLDS, Guard.READING, _by_name(path, plant))
        for name, title, path, plant, source in _NAMES
    ),
    *(
        Case(f"path.{name}", title, source, HOLDS, Guard.READING, attack)
        for name, title, attack, source in _LINKS
    ),
    Case(
        "path.symlink_loop",
        "a link to itself",
        "S18",
        HOLDS,
        Guard.READING,
        _link_loop,
        argued="the kernel itself gives up on a loop (ELOOP), so a careless reader gets nothing either",
    ),
    Case(
        "path.fifo",
        "a named pipe, which would hold the program up",
        "S33 A14",
        HOLDS,
        Guard.READING,
        _fifo,
        argued="a careless reader does not leak here, it hangs; tests/repo/test_gate.py times the gate",
    ),
    Case(
        "path.listing",
        "the list of names, for contents",
        "A15 S69",
        HOLDS,
        Guard.READING,
        _listing,
        argued="a listing opens no file; that git's own files are left out is git's doing, not a switch",
    ),
)
