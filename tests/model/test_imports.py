from __future__ import annotations

import json
import subprocess
import sys

import workbench.model


def modules_after(code: str) -> set[str]:
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)
    assert done.stderr == b""
    return set(json.loads(done.stdout))


def test_the_room_can_be_imported_without_the_library() -> None:
    loaded = modules_after("import workbench.model")
    assert not {"numpy", "llama_cpp"} & loaded


def test_records_registry_and_grammar_need_no_library() -> None:
    loaded = modules_after(
        "from workbench.model import Engine, Message, Registry, one_of, read_header, try_file"
    )
    assert not {"numpy", "llama_cpp"} & loaded


def test_every_name_the_room_offers_is_there() -> None:
    for name in dir(workbench.model):
        assert getattr(workbench.model, name).__name__ == name


def test_the_library_is_loaded_without_the_package_that_unpickles() -> None:
    loaded = modules_after(
        "from workbench.model import library\nlibrary.load()\n"
        "assert not hasattr(sys.modules['diskcache'], 'Cache')\n"
        "import os; assert os.environ['OMP_WAIT_POLICY'] == 'PASSIVE'"
    )
    assert "llama_cpp" in loaded
    assert "diskcache.core" not in loaded
