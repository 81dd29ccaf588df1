"""Says under which environment and configuration git runs here: nothing a repository configured executes.

A repository can arrive as an archive, with its own `.git/config`. Plain git runs what it names: monitors,
hooks, filters, text converters, signers, pagers. The rules, in order:

1. The environment is built from nothing; the system's and the user's configuration files are not read.
2. Settings on the command level, which beat every file, switch off all that is known to run a program.
3. What has a name of the repository's choosing (filters, diff and merge drivers, aliases, hooks …) is
   listed first, and each found name is blanked.
4. Configuration that is only included under a condition cannot be listed with certainty, so it is refused.

Sources: git(1) "Environment Variables", git-config(1), gitattributes(5), githooks(5); `git help -c` of 2.39.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

Setting = tuple[str, str]

ALWAYS: tuple[Setting, ...] = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("sequence.editor", "false"),
    ("core.sshCommand", "false"),
    ("core.gitProxy", ""),
    ("core.askPass", ""),
    ("core.alternateRefsCommand", ""),
    ("credential.helper", ""),
    ("diff.external", ""),
    ("interactive.diffFilter", ""),
    ("gpg.program", "false"),
    ("gpg.ssh.defaultKeyCommand", ""),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("log.showSignature", "false"),
    ("protocol.allow", "never"),
    ("safe.bareRepository", "explicit"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("submodule.recurse", "false"),
    ("status.submoduleSummary", "false"),
    ("diff.ignoreSubmodules", "all"),
    ("color.ui", "false"),
    ("i18n.commitEncoding", "UTF-8"),
    ("i18n.logOutputEncoding", "UTF-8"),
)
"""What is set for every call."""

# Keys whose middle part the repository chooses, and the value that makes each harmless.
_NAMED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), value)
    for pattern, value in (
        (r"filter\..*\.(clean|smudge|process)", ""),
        (r"filter\..*\.required", "false"),
        (r"diff\..*\.(command|textconv)", ""),
        (r"diff\..*\.cachetextconv", "false"),
        (r"merge\..*\.driver", ""),
        (r"alias\..*", ""),
        (r"hook\..*\.(command|event)", ""),
        (r"hook\..*\.enabled", "false"),
        (r"credential\..*\.?helper", ""),
        (r"gpg\..*\.?program", "false"),
        (r"gpg\..*\.defaultkeycommand", ""),
        (r"trailer\..*\.(command|cmd)", ""),
        (r"remote\..*\.(uploadpack|receivepack|proxy)", ""),
        (r"remote\..*\.promisor", "false"),
        (r"protocol\..*\.allow", "never"),
        (r"submodule\..*\.update", "none"),
        (r"(difftool|mergetool|guitool|browser|man)\..*\.cmd", ""),
        (r"pager\..*", "cat"),
    )
)
_CONDITIONAL = re.compile(r"includeif\..*\.path", re.DOTALL | re.IGNORECASE)
_CARRIED = ("HOME", "XDG_CONFIG_HOME")


def blanks(keys: Iterable[str]) -> Iterator[Setting]:
    """Yield the setting that switches off each of the configured `keys` that would run a program."""
    for key in sorted(set(keys)):
        for pattern, value in _NAMED:
            if pattern.fullmatch(key):
                yield key, value
                break


def is_conditional(key: str) -> bool:
    """Say whether a configured key includes a file only under a condition."""
    return _CONDITIONAL.fullmatch(key) is not None


def environment(settings: Iterable[Setting], *, path: str, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment for one call of git.

    Args:
        settings: Configuration for the command level. Passed by environment, because a name that holds `=`
            cannot be passed by `-c`.
        path: Where programs are looked for; see `search_path`.
        extra: Variables of this call, such as GIT_INDEX_FILE.
    """
    result = {
        "PATH": path,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "false",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": "/dev/null",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM": "0",
    }
    # The user's global ignore and attribute files are found by these; neither can run anything by itself.
    result |= {name: os.environ[name] for name in _CARRIED if os.environ.get(name, "").startswith("/")}
    chosen = list(settings)
    result["GIT_CONFIG_COUNT"] = str(len(chosen))
    for number, (key, value) in enumerate(chosen):
        result[f"GIT_CONFIG_KEY_{number}"] = key
        result[f"GIT_CONFIG_VALUE_{number}"] = value
    return result | dict(extra)


def search_path(outside: Path) -> str:
    """Return PATH with its absolute directories only, and without those that lie in `outside`."""
    found = []
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        real = os.path.realpath(entry) if entry.startswith("/") else ""
        if real and not Path(real).is_relative_to(outside):
            found.append(entry)
    return os.pathsep.join(found)
