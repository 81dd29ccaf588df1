"""A task's repository holds what the task needs, and neither the answer nor another task."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repositories import make_folder
from workbench.bench.edit_tasks import project_files, tasks_in
from workbench.core.errors import UsageError

LAYOUT = {
    "python_programs/add.py": b"def add(a, b):\n    return a - b\n",
    "python_programs/add_test.py": b"",
    "python_programs/sub.py": b"def sub(a, b):\n    return a + b\n",
    "python_programs/sub_test.py": b"",
    "python_programs/node.py": b"",
    "python_programs/untested.py": b"",
    "python_testcases/test_add.py": b"",
    "python_testcases/test_sub.py": b"",
    "python_testcases/load_testdata.py": b"",
    "json_testcases/add.json": b"[]\n",
    "json_testcases/sub.json": b"[]\n",
    "correct_python_programs/add.py": b"",
    "java_programs/ADD.java": b"",
    "conftest.py": b"",
    "README.md": b"",
}


def test_a_task_holds_its_own_files_and_the_helpers(tmp_path: Path) -> None:
    tasks = tasks_in(make_folder(tmp_path, LAYOUT))
    assert [task.name for task in tasks] == ["add", "sub"]
    add = tasks[0]
    assert (add.symbol, add.path, add.judge) == ("add", "python_programs/add.py", add.tests)
    assert add.words == "Fix add in python_programs/add.py: its tests fail."
    assert {name for name, _ in add.files} == {
        "conftest.py",
        "json_testcases/add.json",
        "python_programs/add.py",
        "python_programs/add_test.py",
        "python_programs/node.py",
        "python_programs/untested.py",
        "python_testcases/load_testdata.py",
        "python_testcases/test_add.py",
    }
    add.lay_out(tmp_path / "made")
    assert (tmp_path / "made/python_programs/add.py").read_bytes() == LAYOUT["python_programs/add.py"]


def test_only_some_and_none_of_a_wrong_name(tmp_path: Path) -> None:
    root = make_folder(tmp_path, LAYOUT)
    assert [task.name for task in tasks_in(root, ["sub"])] == ["sub"]
    with pytest.raises(UsageError, match="no task 'mul'"):
        tasks_in(root, ["mul"])


def test_a_directory_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no python_programs"):
        tasks_in(tmp_path)


def test_a_project_is_taken_without_histories_environments_links_and_caches(tmp_path: Path) -> None:
    root = make_folder(
        tmp_path,
        {
            "app/core.py": b"",
            "app/__pycache__/core.pyc": b"",
            ".git/config": b"",
            ".venv/x.py": b"",
            "venv/x.py": b"",
            "data/one.csv": b"1\n",
        },
    )
    (root / "link.py").symlink_to("/etc/passwd")
    assert [name for name, _ in project_files(root)] == ["app/core.py", "data/one.csv"]
