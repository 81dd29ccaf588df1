"""Attacks on git: everything that a repository's own files can name for execution.

Each attack plants one program and the configuration that names it, then has this program do all that it does
with git: open, list, compare, commit, look at history. The program leaves a file when it runs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.boundary import GitProfile
from workbench.core.clock import utc_now
from workbench.core.errors import WorkbenchError
from workbench.redteam.case import Attack, Breach, Case, Guard
from workbench.redteam.lab import SOURCE, Lab
from workbench.repo import Git, PathIndex, describe

HOLDS = "the planted program does not run"
PERSON = ("Red", "red@workbench.invalid")


@dataclass(frozen=True, slots=True)
class Trap:
    """A repository with a planted program."""

    root: Path
    tools: Path
    canaries: Path

    def tool(self, name: str, then: str = "cat") -> str:
        """Make a program that leaves its canary and then does `then`."""
        tool = self.tools / name
        tool.write_text(f"#!/bin/sh\n: > '{self.canaries / name}'\n{then}\n")
        tool.chmod(0o755)
        return str(tool)

    def configure(self, text: str) -> None:
        """Add to the repository's configuration."""
        with (self.root / ".git" / "config").open("a") as config:
            config.write(text)


def trap(lab: Lab) -> Trap:
    """Return a repository in which a file differs from what is committed."""
    root = lab.repository({"a.txt": "two\n", "plain.py": SOURCE + b"\nx = 1\n"})
    made = lab.folder("planted")
    for name in ("tools", "canaries"):
        (made / name).mkdir()
    return Trap(root, made / "tools", made / "canaries")


def use(lab: Lab, root: Path) -> str:
    """Have this program list, compare, commit and look back with git; return how it took the repository.

    That no function at all runs what is planted is for tests/repo/test_git_hostile.py, which knows them all.
    """
    worktree = describe(root)
    if not worktree.is_git:
        PathIndex.scan(worktree.root)
        return worktree.notes[0] if worktree.notes else "opened as a plain folder"
    scratch = lab.folder("scratch")
    profile = GitProfile.build(worktree.root, scratch)
    git = Git(worktree.root, scratch=scratch, start=profile.start if profile else subprocess.Popen)
    change = {"plain.py": (b"y = 2\n", 0o644)}
    try:
        for act in (
            git.is_repository,
            git.ls_files,
            git.status,
            git.identity,
            lambda: git.blob("a.txt"),
            lambda: git.log_trailers("Ledger-Checkpoint"),
            lambda: git.commit_file(change, message="x", author=PERSON, committer=PERSON, when=utc_now()),
        ):
            with suppress(WorkbenchError):
                act()
    finally:
        if profile is not None:
            profile.close()
    return "git was used, and ran nothing"


def _checked(lab: Lab, planted: Trap) -> str:
    told = use(lab, planted.root)
    if ran := sorted(path.name for path in planted.canaries.iterdir()):
        raise Breach(f"it ran: {', '.join(ran)}")
    return told


def _configured(text: str, files: dict[str, str] | None = None, *, then: str = "cat") -> Attack:
    """Plant `text`, in which `TOOL` stands for the program and `ROOT` for the worktree."""

    def attack(lab: Lab) -> str:
        planted = trap(lab)
        for name, content in (files or {}).items():
            (planted.root / name).write_text(content)
        planted.configure(
            text.replace("TOOL", planted.tool("planted", then)).replace("ROOT", str(planted.root))
        )
        return _checked(lab, planted)

    return attack


def _hook(name: str, *, elsewhere: bool = False) -> Attack:
    def attack(lab: Lab) -> str:
        planted = trap(lab)
        folder = planted.root / ("hooks" if elsewhere else ".git/hooks")
        folder.mkdir(exist_ok=True)
        shutil.copy(planted.tool("planted"), folder / name)
        if elsewhere:
            planted.configure(f"[core]\n\thooksPath = {folder}\n")
        return _checked(lab, planted)

    return attack


def _python_monitor(lab: Lab) -> str:
    """Name this very interpreter, which may be started, and call a file of the worktree by its argument."""
    planted = trap(lab)
    for name in ("1", "2"):
        (planted.root / name).write_text(f"open({str(planted.canaries / 'python')!r}, 'w')\n")
    planted.configure(f"[core]\n\tfsmonitor = {Path(sys.executable).resolve()}\n")
    return _checked(lab, planted)


def _second_configuration(lab: Lab) -> str:
    planted = trap(lab)
    planted.configure("[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tworktreeConfig = true\n")
    tool = planted.tool("planted", "printf '/\\0'")
    (planted.root / ".git" / "config.worktree").write_text(f"[core]\n\tfsmonitor = {tool}\n")
    return _checked(lab, planted)


def _included(lab: Lab) -> str:
    planted = trap(lab)
    (planted.root / ".gitattributes").write_text("* filter=evil\n")
    (planted.root / "more").write_text(f'[filter "evil"]\n\tclean = {planted.tool("planted")}\n')
    planted.configure(f"[include]\n\tpath = {planted.root / 'more'}\n")
    return _checked(lab, planted)


def _included_on_condition(lab: Lab) -> str:
    planted = trap(lab)
    (planted.root / ".gitattributes").write_text("* filter=evil\n")
    (planted.root / "more").write_text(f'[filter "evil"]\n\tclean = {planted.tool("planted")}\n')
    planted.configure(f'[includeIf "gitdir:**"]\n\tpath = {planted.root / "more"}\n')
    return _checked(lab, planted)


def _embedded(lab: Lab) -> str:
    planted = trap(lab)
    inner = planted.root / "embedded"
    shutil.copytree(planted.root / ".git", inner)
    with (inner / "config").open("a") as config:
        config.write(
            f"[core]\n\tbare = false\n\tworktree = {planted.root}\n\tfsmonitor = {planted.tool('planted')}\n"
        )
    return _checked(lab, planted)


def _nested(lab: Lab) -> str:
    planted = trap(lab)
    inner = planted.root / "nested"
    shutil.copytree(lab.repository(), inner)
    (inner / "a.txt").write_text("changed\n")
    with (inner / ".git" / "config").open("a") as config:
        config.write(f"[core]\n\tfsmonitor = {planted.tool('planted')}\n")
    return _checked(lab, planted)


def _submodule(lab: Lab) -> str:
    planted = trap(lab)
    inner = planted.root / "sub"
    shutil.copytree(lab.repository(), inner)
    head = lab.git(inner, "rev-parse", "HEAD").decode().strip()
    lab.git(planted.root, "update-index", "--add", "--cacheinfo", f"160000,{head},sub")
    (planted.root / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n')
    (inner / "a.txt").write_text("changed\n")
    with (inner / ".git" / "config").open("a") as config:
        config.write(f"[core]\n\tfsmonitor = {planted.tool('planted')}\n")
    return _checked(lab, planted)


def _points_elsewhere(lab: Lab) -> str:
    planted = trap(lab)
    elsewhere = lab.folder("elsewhere") / "git"
    (planted.root / ".git").rename(elsewhere)
    with (elsewhere / "config").open("a") as config:
        config.write(f"[core]\n\tfsmonitor = {planted.tool('planted')}\n")
    (planted.root / ".git").write_text(f"gitdir: {elsewhere}\n")
    return _checked(lab, planted)


def _is_a_link(lab: Lab) -> str:
    planted = trap(lab)
    elsewhere = lab.folder("elsewhere") / "git"
    (planted.root / ".git").rename(elsewhere)
    with (elsewhere / "config").open("a") as config:
        config.write(f"[core]\n\tfsmonitor = {planted.tool('planted')}\n")
    (planted.root / ".git").symlink_to(elsewhere)
    return _checked(lab, planted)


def _git_in_the_worktree(lab: Lab) -> str:
    """Put a program called `git` into the worktree; where the search path is relative, it is found first."""
    planted = trap(lab)
    shutil.copy(planted.tool("planted"), planted.root / "git")
    return _checked(lab, planted)


_EVERY_TEXT = {".gitattributes": "*.txt filter=evil diff=evil merge=evil\n*.py filter=evil diff=evil\n"}
_TELLS_ALL = "printf '/\\0'"

_CASES: tuple[tuple[str, str, Attack, str], ...] = (
    (
        "fsmonitor",
        "a file system monitor",
        _configured("[core]\n\tfsmonitor = TOOL\n", then=_TELLS_ALL),
        "S42",
    ),
    (
        "fsmonitor_python",
        "this interpreter as the monitor, on a file of the worktree",
        _python_monitor,
        "S42",
    ),
    ("fsmonitor_worktree", "a monitor in the second configuration file", _second_configuration, "S42"),
    ("hook_pre_commit", "a hook before the commit", _hook("pre-commit"), "S42 A16"),
    ("hook_post_commit", "a hook after the commit", _hook("post-commit"), "S42 A16"),
    ("hook_index", "a hook at every change of the index", _hook("post-index-change"), "S42"),
    ("hook_reference", "a hook at every change of a branch", _hook("reference-transaction"), "S42"),
    ("hooks_path", "hooks in a directory of the worktree", _hook("pre-commit", elsewhere=True), "S42 A12"),
    (
        "filter_clean",
        "a filter that cleans what is added",
        _configured('[filter "evil"]\n\tclean = TOOL\n\trequired = true\n', _EVERY_TEXT),
        "S43",
    ),
    (
        "filter_smudge",
        "a filter that smudges what is checked out",
        _configured('[filter "evil"]\n\tsmudge = TOOL\n', _EVERY_TEXT),
        "S43",
    ),
    (
        "filter_process",
        "a filter that stays",
        _configured('[filter "evil"]\n\tprocess = TOOL\n\trequired = true\n', _EVERY_TEXT, then="exit 1"),
        "S43",
    ),
    ("filter_included", "a filter in an included file", _included, "S43"),
    ("filter_included_if", "a filter in a file included on a condition", _included_on_condition, "S43"),
    (
        "textconv",
        "a converter for diffs",
        _configured('[diff "evil"]\n\ttextconv = TOOL\n', _EVERY_TEXT, then='cat "$1"'),
        "S44 A25",
    ),
    ("diff_external", "an external diff", _configured("[diff]\n\texternal = TOOL\n"), "S44 A25"),
    ("diff_driver", "a diff driver", _configured('[diff "evil"]\n\tcommand = TOOL\n', _EVERY_TEXT), "S44"),
    (
        "merge_driver",
        "a merge driver",
        _configured('[merge "evil"]\n\tdriver = TOOL\n[merge]\n\tdefault = evil\n', _EVERY_TEXT),
        "S44",
    ),
    (
        "alias",
        "aliases in the place of git's own commands",
        _configured('[alias]\n\tstatus = "!TOOL"\n\tls-files = "!TOOL"\n\tevil = "!TOOL"\n'),
        "S46",
    ),
    (
        "pager",
        "a pager",
        _configured("[core]\n\tpager = TOOL\n[pager]\n\tlog = TOOL\n\tstatus = TOOL\n"),
        "S46 A25",
    ),
    ("editor", "an editor", _configured("[core]\n\teditor = TOOL\n[sequence]\n\teditor = TOOL\n"), "S46"),
    (
        "gpg",
        "a signing program",
        _configured("[gpg]\n\tprogram = TOOL\n[commit]\n\tgpgSign = true\n[log]\n\tshowSignature = true\n"),
        "S45",
    ),
    ("credential", "a credential helper", _configured('[credential]\n\thelper = "!TOOL"\n'), "S45"),
    ("askpass", "a program that asks for passwords", _configured("[core]\n\taskPass = TOOL\n"), "S45"),
    (
        "ssh",
        "a program in the place of ssh",
        _configured(
            '[core]\n\tsshCommand = TOOL\n[remote "origin"]\n\turl = ssh://host.invalid/x\n', then="exit 1"
        ),
        "S45",
    ),
    (
        "proxy",
        "a program in the place of a proxy",
        _configured('[core]\n\tgitProxy = TOOL\n[remote "origin"]\n\turl = git://host.invalid/x\n'),
        "S45",
    ),
    (
        "promisor",
        "a remote that brings missing objects, by a program",
        _configured(
            '[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tpartialClone = evil\n[remote "evil"]\n'
            '\turl = "ext::TOOL %S"\n\tpromisor = true\n[protocol "ext"]\n\tallow = always\n',
            then="exit 1",
        ),
        "S45",
    ),
    (
        "trailer",
        "a program that completes a trailer",
        _configured('[trailer "Ledger-Checkpoint"]\n\tcommand = TOOL\n\tcmd = TOOL\n'),
        "S46",
    ),
    ("embedded", "git's directory inside the worktree, as a bare repository", _embedded, "S47"),
    ("nested", "a repository inside the worktree", _nested, "S14"),
    ("submodule", "a submodule with its own configuration", _submodule, "S14"),
    ("points_elsewhere", "a `.git` file that points at another repository", _points_elsewhere, "S13"),
    ("is_a_link", "a `.git` that is a link to another repository", _is_a_link, "S13"),
    ("shadowed", "a program called `git` in the worktree", _git_in_the_worktree, "A26"),
)

_ARGUED = {
    "pager": "plain git starts a pager only where its output is a terminal; here it is a pipe",
    "proxy": "plain git calls it only for a host it connects to; a sealed machine forbids that",
}

CASES = tuple(
    Case(f"git.{name}", title, source, HOLDS, Guard.GIT, attack, _ARGUED.get(name, ""))
    for name, title, attack, source in _CASES
)
