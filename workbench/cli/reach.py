"""Says which files each command needs, before it is sealed; all others stay out of its reach.

Runs unsealed, so it loads nothing but the standard library, and reads nothing but what tells it paths: the
registry of models, and which files the user's git configuration includes.
"""

from __future__ import annotations

import json
import os
import re
from argparse import Namespace
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from workbench.boundary import FileAccess, programs
from workbench.boundary.file_access import OUTSIDE
from workbench.cli import environments
from workbench.core import places

# limits: a registry, and a configuration somebody wrote by hand, are far smaller.
MAX_REGISTRY_BYTES = 4 << 20
MAX_SETTINGS_BYTES = 1 << 20
MAX_SETTINGS_FILES = 20

_SIGNATURE = "\u2014 ".encode()
"""How a line of a witness's answer begins."""
COLLECTED = "/var/log/workbench/checkpoints.log"
"""What the system log collected; the same as in `workbench.evidence.spool`, which loads too late."""

_INCLUDED = re.compile(r"^\s*path\s*=\s*\"?([^\"\n]+?)\"?\s*$", re.MULTILINE | re.IGNORECASE)
_SIGNERS = re.compile(r"^[^#\n]*allowed_signers\s*=\s*[\"']([^\"'\n]+)[\"']", re.MULTILINE)
_OF_GIT = ("config", "ignore", "attributes")


def needed(options: Namespace) -> FileAccess | None:
    """Return what the command in `options` may reach; None where only the network is to be shut."""
    if options.command == "bench" and options.verb == "latency":
        # It starts the program as a person does, which then confines itself.
        return None
    if options.command == "model":
        return _for_models(options)
    if options.command == "bench" and options.verb == "ledger":
        place = places.state_root() / "bench"
        temporary = str(place / "tmp")
        return FileAccess(make=(str(place), temporary), outside=_outside(), temporary=temporary)
    if options.command == "bench" and options.verb == "edits":
        return _for_edits(options)
    if options.command == "redteam":
        return _for_attacks(options)
    root = Path(worktree(options.repo if options.command else options.path))
    if root == Path("/") or not root.is_dir():
        return FileAccess(outside=_outside())  # the command is going to refuse it
    if options.command == "policy" and options.verb in ("show", "explain", "check"):
        return FileAccess(read=(str(root), *_settings(), *_named(options, "file")), outside=_outside())
    if options.command == "audit" or (options.command == "policy" and options.verb == "test"):
        return _for_audit(options, root)
    if options.command == "bench":
        return _for_session(places.state_root() / "bench", read=(str(root),), git=_git(root))
    if options.command == "doctor":
        return _for_session(places.state_root() / "doctor", read=(str(root),))
    state, heads = places.repository_state(root), places.head_file(root).parent
    edited, signing = _edited(options), _signing(options, root)
    if root == state or root in state.parents:
        # Refused as well, and nothing is to be made inside the worktree before that.
        return FileAccess(read=(str(root), *_settings()))
    # On the screen a person edits in their own editor; no other command starts one.
    editor = next(iter(programs.editor(str(root))), "") if not options.command else ""
    return _for_session(
        state,
        read=(*edited, *(_signers() if signing else ()), *_named(options, "signature")),
        write=(str(root), *_output(options, "statement_out")),
        make=(str(heads),),
        git=_git(root),
        editor=editor,
        signatures=signing,
    )


def _for_session(
    state: Path,
    *,
    read: tuple[str, ...] = (),
    write: tuple[str, ...] = (),
    make: tuple[str, ...] = (),
    git: str = "",
    editor: str = "",
    signatures: str = "",
    tools: tuple[str, ...] = (),
) -> FileAccess:
    """Return what a session needs that keeps its own files in `state`."""
    temporary, commands = str(state / "tmp"), str(state / "commands")
    return FileAccess(
        make=(str(state), temporary, commands, *make),
        write=write,
        read=(*read, *_settings(), *_models(), *_git_settings()),
        outside=_outside(),
        temporary=temporary,
        git=git or programs.find("git"),
        editor=editor,
        signatures=signatures,
        commands=commands,
        # The worktree is what is written; its virtual environment is for the commands that run on its copy.
        tools=(*tools, *(each for root in write for each in environments.tools(Path(root)))),
    )


def _for_audit(options: Namespace, root: Path) -> FileAccess:
    state, heads = places.repository_state(root), places.head_file(root).parent
    # Without a ledger there is nothing to read, and no reason to make a place for one.
    temporary = str((state if state.is_dir() else places.state_root()) / "tmp")
    signers = _signers() if getattr(options, "verb", "") in ("show", "verify") else ()
    anchors = _named(options, "anchor")
    return FileAccess(
        make=(temporary, *_named(options, "directory")),
        write=(str(state), str(heads), *_output(options), *_for_anchoring(options, root)),
        read=(
            str(root),
            *_settings(),
            *_git_settings(),
            *anchors,
            *(f"{anchor}.sig" for anchor in anchors),
            *signers,
            COLLECTED,
            *_named(options, "file"),
        ),
        outside=_outside(),
        temporary=temporary,
        git=_git(root),
        signatures=programs.find("ssh-keygen", not_beneath=str(root)) if signers else "",
    )


def _for_attacks(options: Namespace) -> FileAccess:
    """Return what the attacks need: a scratch place, and the ledger that the result is written to."""
    scratch = places.state_root() / "redteam"
    root = Path(worktree(options.repo)) if options.repo else Path("/")
    if root == Path("/") or not root.is_dir():
        return _for_session(scratch)  # no repository is named, or the command is going to refuse it
    ledger, heads = str(places.repository_state(root)), str(places.head_file(root).parent)
    return _for_session(scratch, read=(str(root),), make=(ledger, heads))


def _for_edits(options: Namespace) -> FileAccess:
    """Return what the edit bench needs: a scratch place of its own, what is measured on, its environment."""
    directory = Path(os.path.realpath(options.directory))
    benches = places.state_root() / "bench"
    # The process keeps its number when it starts again inside the seal.
    scratch = benches / f"edits-{os.getpid()}"
    if directory == Path("/") or not directory.is_dir():
        return FileAccess(outside=_outside())  # the command is going to refuse it
    return _for_session(
        scratch, read=(str(directory),), make=(str(benches),), tools=environments.tools(directory)
    )


def worktree(path: str) -> str:
    """Return the real path of the directory that `workbench.repo.describe` is going to open.

    That room takes 25 ms to load, and is loaded inside the seal. Should the two ever disagree, the worktree
    cannot be reached, which is an error and no breach.
    """
    root = Path(os.path.realpath(path))
    if os.path.lexists(root / ".git"):
        return str(root)
    try:
        status = root.stat()
        for above in root.parents:
            here = above.stat()
            if here.st_dev != status.st_dev or above == Path("/"):
                break
            if os.path.lexists(above / ".git"):
                return str(above if here.st_uid == status.st_uid else root)
    except OSError:
        pass  # `describe` says what is wrong with it
    return str(root)


def _for_models(options: Namespace) -> FileAccess:
    folder, temporary = str(places.data_root() / "models"), str(places.state_root() / "tmp")
    read = (*_models(), *_named(options, "file"))
    return FileAccess(make=(folder, temporary), read=read, temporary=temporary, outside=_outside())


def _edited(options: Namespace) -> tuple[str, ...]:
    """Return the files that a person edited outside, to be read once."""
    given: Iterable[str] = getattr(options, "edited", None) or ()
    return tuple(os.path.realpath(each.rpartition("=")[2]) for each in given)


def _git(root: Path) -> str:
    return programs.find("git", not_beneath=str(root))


def _outside() -> str:
    return str(places.state_root() / OUTSIDE)


def _settings() -> tuple[str, ...]:
    return (str(places.config_root()),)


def _models() -> tuple[str, ...]:
    """Return the folder of models, and the files that are registered from elsewhere: these, and no folder."""
    folder = places.data_root() / "models"
    try:
        with (folder / "registry.json").open("rb") as file:
            entries = json.loads(file.read(MAX_REGISTRY_BYTES))["models"]
        paths = tuple(entry["path"] for entry in entries if isinstance(entry["path"], str))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        paths = ()  # the registry itself says, when it is read, what is wrong with it
    return (str(folder), *filter(os.path.isabs, paths))


def _named(options: Namespace, name: str) -> tuple[str, ...]:
    """Return the absolute paths of files that were named on the command line."""
    given = getattr(options, name, None) or ()
    names: Iterable[str] = (given,) if isinstance(given, str) else given
    return tuple(os.path.realpath(each) for each in names)


def _for_anchoring(options: Namespace, root: Path) -> tuple[str, ...]:
    """Return what `audit anchor` writes: git's directory for a note, or a request and what goes with it."""
    if options.verb != "anchor":
        return ()
    if not options.witness:
        return (str(root / ".git"),)
    request = os.path.realpath(options.witness)
    with suppress(OSError), open(request, "rb") as file:
        if file.read(len(_SIGNATURE)) == _SIGNATURE:
            return (request,)  # an answer, which is only read
    return tuple(map(_made, (request, f"{request}.keys")))


def _signing(options: Namespace, root: Path) -> str:
    """Return the path of ssh-keygen, for the commands that check signatures; else an empty text."""
    wanted = any(getattr(options, name, None) for name in ("statement_out", "signature"))
    return programs.find("ssh-keygen", not_beneath=str(root)) if wanted else ""


def _signers() -> tuple[str, ...]:
    """Return the files of allowed signers that the administrator's and the user's policy name."""
    found: list[str] = []
    for policy in ("/etc/workbench/policy.toml", str(places.config_root() / "policy.toml")):
        with suppress(OSError), open(policy, encoding="utf-8", errors="replace") as file:
            found += _SIGNERS.findall(file.read(MAX_SETTINGS_BYTES))
    return tuple(map(os.path.realpath, found))


def _output(options: Namespace, option: str = "out") -> tuple[str, ...]:
    """Return the file that a command was told to write; made now, because the seal lets none be made."""
    name = getattr(options, option, None)
    if not name:
        return ()
    made = [os.path.realpath(name)]
    made += [f"{made[0]}.sig"] if getattr(options, "verb", "") == "statement" else []
    return tuple(map(_made, made))


def _made(path: str) -> str:
    with suppress(OSError):  # whoever opens it says what is wrong with it
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return path


def _git_settings() -> tuple[str, ...]:
    """Return the files that say who commits and what is ignored, with those they include."""
    home, folder = os.environ.get("HOME", ""), os.environ.get("XDG_CONFIG_HOME", "")
    folder = folder if folder.startswith("/") else f"{home}/.config"
    found = [f"{folder}/git/{name}" for name in _OF_GIT] + [f"{home}/.gitconfig"]
    for path in found:  # which grows by what is included
        if len(found) > MAX_SETTINGS_FILES or os.path.basename(path) in ("ignore", "attributes"):
            continue
        found += [each for each in _included(path, home) if each not in found]
    return tuple(found)


def _included(path: str, home: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            named = _INCLUDED.findall(file.read(MAX_SETTINGS_BYTES))
    except OSError:
        return []
    full = (f"{home}/{name[2:]}" if name.startswith("~/") else name for name in named)
    return [os.path.normpath(os.path.join(os.path.dirname(path), name)) for name in full]
