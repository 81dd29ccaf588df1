"""What reaches the sealed stage from the environment and from the repository: nothing that runs."""

from __future__ import annotations

import json
import os
import site
from pathlib import Path

import pytest

from tests.boundary.children import copy_package, needs_seal, start
from workbench.boundary import restart

APPLICATION = '''
"""Stands in for the application: says how it was started."""
import json, multiprocessing, os, sqlite3, sys, ctypes, argparse
import workbench
from workbench.boundary import attempts, enter

def worker():
    sys.exit(workbench.__file__ != os.environ["PACKAGE"])

def main():
    enter(sys.argv[1:], reexec=True)  # the application does the same; here it has to return
    os.environ["PACKAGE"] = workbench.__file__
    process = multiprocessing.get_context("spawn").Process(target=worker)
    process.start()
    process.join(15)
    facts = {
        "argv": sys.argv[1:], "path": sys.path, "sealed": attempts.sealed(), "environment": {**os.environ},
        "workbench": workbench.__file__, "sqlite3": sqlite3.__file__, "isolated": sys.flags.isolated,
        "spawned": process.exitcode, "started_with": open("/proc/self/environ").read(),
    }
    with open(os.environ["REPORT"], "w") as report:
        json.dump(facts, report)
    return 7
'''
FIRST_STAGE = """
import json, os
from workbench.boundary import enter
os.environ.update(json.loads(sys.argv.pop(1)))
enter(sys.argv[1:], reexec=True)
"""
CODE_IN_THE_REPOSITORY = (
    *("workbench/__init__", "workbench/cli", "sqlite3", "ctypes", "sitecustomize", "usercustomize"),
    *("argparse", "runpy", "__future__", "textual", "encodings/idna"),
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A repository full of modules that leave a mark when they are imported."""
    repository = tmp_path / "repository"
    for name in CODE_IN_THE_REPOSITORY:
        module = repository / f"{name}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(f"open({str(tmp_path / 'hijacked')!r}, 'a').write({name!r} + '\\n')\n")
    return repository


def run_from(cwd: Path, tmp_path: Path, *arguments: str, **environment: str) -> dict[str, object]:
    """Start a copy of the first stage in `cwd`, with `environment` in force when it starts again."""
    root = copy_package(tmp_path / "installed", cli=APPLICATION)
    report = tmp_path / "report.json"
    added = json.dumps({**environment, "REPORT": str(report)})
    ended = start(FIRST_STAGE, added, *arguments, cwd=cwd, package_root=root)
    assert ended.returncode == 7, ended.stderr
    facts: dict[str, object] = json.loads(report.read_text())
    return facts


@needs_seal
def test_code_in_the_repository_is_never_imported(hostile: Path, tmp_path: Path) -> None:
    facts = run_from(hostile, tmp_path, PYTHONPATH=f"{hostile}:.:", PYTHONSTARTUP=str(hostile / "sqlite3.py"),
                     PYTHONHOME="", PYTHONUSERBASE=str(hostile), PYTHONINSPECT="")  # fmt: skip
    assert not (tmp_path / "hijacked").exists()
    assert facts["workbench"] == str(tmp_path / "installed" / "workbench" / "__init__.py")
    assert not str(facts["sqlite3"]).startswith(str(hostile))
    path = facts["path"]
    assert isinstance(path, list)
    assert not {"", ".", str(hostile)} & set(path)


def test_the_hostile_repository_would_be_imported_by_a_careless_start(hostile: Path, tmp_path: Path) -> None:
    start("import sqlite3", cwd=hostile, options=("-s",))
    assert "sqlite3" in (tmp_path / "hijacked").read_text().splitlines()


@needs_seal
def test_the_second_stage_is_sealed_isolated_and_gets_its_arguments_unchanged(tmp_path: Path) -> None:
    facts = run_from(tmp_path, tmp_path, "ask", "naïve task — “quoted”", "--flag=", "")
    assert facts["sealed"] is True
    assert facts["isolated"] == 1
    assert facts["argv"] == ["ask", "naïve task — “quoted”", "--flag=", ""]
    assert facts["spawned"] == 0, "a spawned worker has to find the same package"


@needs_seal
def test_the_second_stage_gets_no_variable_that_injects(tmp_path: Path) -> None:
    facts = run_from(
        tmp_path,
        tmp_path,
        LD_PRELOAD="/nonexistent.so",
        https_proxy="http://proxy:3128",
        TEXTUAL_PRESS="y",
        TERM="xterm-256color",
    )
    environment = facts["environment"]
    assert isinstance(environment, dict)
    assert not {"LD_PRELOAD", "https_proxy", "TEXTUAL_PRESS"} & set(environment)
    assert environment["TERM"] == "xterm-256color"
    # As the dynamic linker saw it, before any of our code ran.
    started_with = {entry.partition("=")[0] for entry in str(facts["started_with"]).split("\0")}
    assert not {"LD_PRELOAD", "https_proxy", "TEXTUAL_PRESS"} & started_with
    assert {"TERM", "OMP_WAIT_POLICY"} <= started_with
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"


@pytest.mark.parametrize(
    "name",
    [
        *("PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONINSPECT", "PYTHONBREAKPOINT", "PYTHONWARNINGS"),
        *("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"),
        *("GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH"),
        *("TEXTUAL", "TEXTUAL_DRIVER", "TEXTUAL_DEVTOOLS_HOST", "TEXTUAL_PRESS", "TEXTUAL_LOG"),
        *("http_proxy", "HTTPS_PROXY", "All_Proxy", "no_proxy", "NO_PROXY", "ftp_proxy"),
        *("GGML_BACKEND_PATH", "LLAMA_CPP_LIB_PATH", "OTEL_EXPORTER_OTLP_ENDPOINT", "SENTRY_DSN"),
    ],
)
def test_a_variable_that_injects_is_removed(name: str) -> None:
    assert name not in restart.scrub({name: "x"})


@pytest.mark.parametrize(
    "name",
    [
        *("HOME", "TERM", "LANG", "LC_ALL", "EDITOR", "SSH_AUTH_SOCK", "NO_COLOR"),
        *("WORKBENCH_STATE", "XDG_STATE_HOME", "OMP_NUM_THREADS", "TEXTUAL_ANIMATIONS"),
    ],
)
def test_a_persons_own_settings_stay(name: str) -> None:
    assert restart.scrub({name: "x"})[name] == "x"


def test_what_native_code_reads_at_load_is_set_whatever_it_was() -> None:
    assert restart.scrub({"OMP_WAIT_POLICY": "ACTIVE"}) == {
        "OMP_WAIT_POLICY": "PASSIVE",
        "GGML_NO_BACKTRACE": "1",
        "DO_NOT_TRACK": "1",
    }


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/usr/bin:/bin", "/usr/bin:/bin"),
        (".:/usr/bin", "/usr/bin"),
        ("/usr/bin:", "/usr/bin"),
        ("::/usr/bin::bin:/bin", "/usr/bin:/bin"),
        (".", None),
        ("", None),
    ],
)
def test_the_current_directory_is_not_searched_for_programs(path: str, kept: str | None) -> None:
    assert restart.scrub({"PATH": path}).get("PATH") == kept


@pytest.mark.parametrize(("searched", "options"), [(True, ["-E", "-P"]), (False, ["-I"]), (None, ["-I"])])
def test_an_installation_in_the_users_own_site_directory_is_found_again(
    searched: bool | None, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "ENABLE_USER_SITE", searched)
    assert restart.interpreter()[1 : 1 + len(options)] == options


def test_scrubbing_twice_changes_nothing_more() -> None:
    once = restart.scrub(os.environ)
    assert restart.scrub(once) == once
