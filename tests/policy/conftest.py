"""Provides a policy made of up to three files, as they would be found on a machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.policy import Policy, load

PolicyOf = Callable[..., Policy]


@pytest.fixture
def policy_of(tmp_path: Path) -> PolicyOf:
    """Return a function that loads a policy from the texts of the three tiers."""

    def make(admin: str = "", user: str = "", repository: str = "", **options: object) -> Policy:
        files = {"admin": tmp_path / "admin.toml", "user": tmp_path / "user.toml"}
        for tier, text in (("admin", admin), ("user", user)):
            files[tier].unlink(missing_ok=True)
            if text:
                files[tier].write_text(text)
                files[tier].chmod(0o644)
        own_paths = options.get("own_paths", ())
        assert isinstance(own_paths, tuple)
        return load(
            repository.encode() if repository else None,
            admin_file=files["admin"],
            user_file=files["user"],
            own_paths=own_paths,
        )

    return make
