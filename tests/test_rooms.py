"""The house stands: commands that need no screen and no model do not load them."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = {
    "workbench.ledger": ("textual", "llama_cpp", "numpy", "tree_sitter"),
    "workbench.boundary": ("textual", "llama_cpp", "numpy", "tree_sitter", "cryptography", "asyncio"),
    "workbench.cli": ("textual", "llama_cpp", "numpy", "tree_sitter", "cryptography"),
    "workbench.cli.audit": ("textual", "llama_cpp", "numpy"),
    "workbench.policy": ("textual", "llama_cpp", "numpy"),
    "workbench.session": ("textual", "llama_cpp"),
    "workbench.plain": ("textual", "llama_cpp"),
    "workbench.model": ("textual", "llama_cpp", "numpy"),
}
NETWORK = (
    "http.client",
    "urllib.request",
    "requests",
    "httpx",
    "aiohttp",
    "smtplib",
    "ftplib",
    "xmlrpc.client",
)


def _loaded(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", LIGHT)
def test_a_room_loads_nothing_it_does_not_need(module: str) -> None:
    assert not _loaded(f"import {module}") & set(LIGHT[module])


def test_the_audit_commands_load_neither_the_screen_nor_a_model() -> None:
    ran = (
        "import contextlib, workbench.cli.arguments as a\n"
        "with contextlib.suppress(SystemExit): a.parse(['audit', 'log', '--help'])"
    )
    assert not _loaded(f"{ran}\nimport workbench.cli.audit") & {"textual", "llama_cpp", "numpy", "rich"}


def test_the_running_program_has_no_client_for_any_network_protocol() -> None:
    loaded = _loaded("import workbench.session, workbench.plain, workbench.tui.app, workbench.model.llama")
    assert not loaded & set(NETWORK)


def test_the_second_verifier_knows_every_event_type() -> None:
    from tests.evidence.second import second
    from workbench.ledger.events import TYPES

    assert set(second.TYPES) == TYPES, "list the type in workbench/evidence/verifier/verify.py as well"
