"""A changed policy file is noticed; a broken one, or one half written, never replaces what is in force."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.core.errors import Refused, WorkbenchError
from workbench.core.records import Effect
from workbench.policy import PolicyWatch, Reload, load


class Place:
    """The three files of one machine, and a watch over them."""

    def __init__(self, folder: Path) -> None:
        self.admin, self.user = folder / "admin.toml", folder / "user.toml"
        self.repository = folder / "repository" / "policy.toml"
        self.repository.parent.mkdir()
        self.refused: WorkbenchError | OSError | None = None
        self.reads = 0
        self.while_reading: Callable[[], None] = lambda: None

    def watch(self) -> PolicyWatch:
        policy = load(self.read(), admin_file=self.admin, user_file=self.user)
        return PolicyWatch(policy, self.repository, self.read, admin_file=self.admin, user_file=self.user)

    def read(self) -> bytes | None:
        self.reads += 1
        self.while_reading()
        if self.refused is not None:
            raise self.refused
        return self.repository.read_bytes() if self.repository.exists() else None


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _settle(watch: PolicyWatch) -> Reload | None:
    """Poll until two polls in a row have seen the same files."""
    first = watch.poll()
    return first or watch.poll()


def test_what_does_not_change_is_read_once_and_never_again(place: Place) -> None:
    place.repository.write_text('[read]\ndeny = ["x/"]\n')
    watch = place.watch()
    assert [watch.poll() for _ in range(5)] == [None] * 5
    assert place.reads == 2


@pytest.mark.parametrize("tier", ["admin", "user", "repository"])
def test_a_changed_file_of_any_tier_changes_the_policy(place: Place, tier: str) -> None:
    watch = place.watch()
    assert _settle(watch) is None
    old = watch.policy
    file: Path = getattr(place, tier)
    file.write_text('[read]\ndeny = ["x/"]\n')
    found = _settle(watch)
    assert found is not None
    assert found.changed
    assert (found.old_sha256, found.new_sha256) == (old.sha256, found.policy.sha256)
    assert found.policy is watch.policy
    assert watch.policy.read("x/a.py").effect is Effect.DENY
    file.unlink()
    found = _settle(watch)
    assert found is not None
    assert found.new_sha256 == old.sha256


def test_a_change_between_loading_and_the_first_poll_is_not_missed(place: Place) -> None:
    watch = place.watch()
    place.user.write_text('[read]\ndeny = ["x/"]\n')
    found = _settle(watch)
    assert found is not None
    assert found.changed


def test_a_broken_edit_keeps_the_last_good_policy_and_says_so_once(place: Place) -> None:
    place.user.write_text('[read]\ndeny = ["x/"]\n')
    watch = place.watch()
    assert _settle(watch) is None
    good = watch.policy
    place.user.write_text('[read]\ndney = ["x/"]\n')
    found = _settle(watch)
    assert found is not None
    assert not found.changed
    assert found.error is not None
    assert "user.toml:2" in found.error.cause
    assert "Did you mean deny?" in found.error.next_step
    assert watch.policy is good
    assert [watch.poll() for _ in range(3)] == [None] * 3
    assert watch.error is not None


def test_a_mended_file_ends_the_error_whether_or_not_it_says_something_new(place: Place) -> None:
    place.user.write_text('[read]\ndeny = ["x/"]\n')
    watch = place.watch()
    _settle(watch)
    for mended, changed in (('[read]\ndeny = ["x/"] # again\n', False), ('[read]\ndeny = ["y/"]\n', True)):
        place.user.write_text("[read\n")
        assert _settle(watch) is not None
        place.user.write_text(mended)
        found = _settle(watch)
        assert found is not None
        assert found.error is None
        assert watch.error is None
        assert found.changed is changed


def test_a_moment_without_the_file_is_not_a_moment_without_rules(place: Place) -> None:
    place.user.write_text('[read]\ndeny = ["x/"]\n')
    watch = place.watch()
    _settle(watch)
    aside = place.user.with_suffix(".bak")
    for gone in (lambda: place.user.rename(aside), lambda: place.user.write_text("")):
        gone()
        assert watch.poll() is None
        assert watch.policy.read("x/a.py").effect is Effect.DENY
        place.user.write_text('[read]\ndeny = ["x/", "y/"]\n')
        _settle(watch)
        assert watch.policy.read("x/a.py").effect is Effect.DENY


def test_a_file_that_changes_while_it_is_read_does_not_count_yet(place: Place) -> None:
    place.user.write_text('[read]\ndeny = ["x/"]\n')
    watch = place.watch()
    _settle(watch)
    place.repository.write_text("# touched\n")
    assert watch.poll() is None
    place.while_reading = lambda: place.user.write_text("")  # type: ignore[assignment]
    assert watch.poll() is None
    place.while_reading = lambda: None
    assert watch.policy.read("x/a.py").effect is Effect.DENY
    place.user.write_text('[read]\ndeny = ["x/", "y/"]\n')
    found = _settle(watch)
    assert found is not None
    assert watch.policy.read("y/a.py").effect is Effect.DENY


def test_an_edit_that_keeps_size_and_date_is_noticed(place: Place) -> None:
    place.user.write_text('[read]\ndeny = ["x/"]\n')
    before = place.user.stat()
    watch = place.watch()
    _settle(watch)
    replacement = place.user.with_suffix(".new")
    replacement.write_text('[read]\ndeny = ["y/"]\n')
    os.utime(replacement, ns=(before.st_atime_ns, before.st_mtime_ns))
    replacement.replace(place.user)
    found = _settle(watch)
    assert found is not None
    assert found.changed


def test_a_touched_file_and_a_comment_are_no_news(place: Place) -> None:
    place.user.write_text('[read]\ndeny = ["x/"]\n')
    watch = place.watch()
    _settle(watch)
    place.user.write_text('# why\n[read]\ndeny = ["x/"]\n')
    assert _settle(watch) is None


@pytest.mark.parametrize(
    "refusal", [Refused("It is a link.", "Replace it."), PermissionError(13, "Permission denied")]
)
def test_a_repository_file_that_cannot_be_read_keeps_the_last_good_policy(
    place: Place, refusal: WorkbenchError | OSError
) -> None:
    place.repository.write_text('[read]\ndeny = ["x/"]\n')
    watch = place.watch()
    _settle(watch)
    place.repository.write_text('[read]\ndeny = ["z/"]\n')
    place.refused = refusal
    found = _settle(watch)
    assert found is not None
    assert found.error is not None
    assert found.error.next_step
    assert watch.policy.read("x/a.py").effect is Effect.DENY
    # The obstacle goes away without the file changing.
    place.refused = None
    found = watch.poll()
    assert found is not None
    assert found.changed
    assert watch.policy.read("z/a.py").effect is Effect.DENY


def test_a_path_that_can_never_be_a_file_is_watched_without_an_error(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.user = place.admin / "below" / "a" / "file.toml"
    place.admin.write_text("")
    watch = place.watch()
    assert _settle(watch) is None
