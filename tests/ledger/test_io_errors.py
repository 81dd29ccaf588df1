"""A disk that gives an I/O error, or goes away, closes the writer for good; what was acknowledged stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ledger.places import WORKER, Place, read_of
from workbench.core.errors import LedgerUnavailable

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
static int broken(const char *what) {
    const char *flag = getenv("BROKEN_DISK"), *which = getenv("BROKEN_CALL");
    return flag && which && !strcmp(which, what) && !access(flag, F_OK);
}
int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    if (broken("fsync")) { errno = EIO; return -1; }
    return real(fd);
}
int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    if (broken("fsync")) { errno = EIO; return -1; }
    return real(fd);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    if (broken("write")) { errno = EIO; return -1; }
    return real(fd, data, size, at);
}
"""

SCRIPT = """
import sys
from pathlib import Path
from tests.ledger.places import Place, read_of
from workbench.core.errors import LedgerUnavailable
place, flag = Place(Path(sys.argv[1])), Path(sys.argv[2])
ledger = place.open()
effects = []
def act(name):
    try:
        ledger.append(read_of(name))
    except LedgerUnavailable as error:
        return print("refused", error.cause)
    effects.append(name)
act("before")
flag.touch()
act("broken")
flag.unlink()
act("after")
print("effects", *effects)
print("failed", ledger.failed() is not None)
ledger.close()
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that makes a call fail while a file exists."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("shim: there is no C compiler")
    directory = tmp_path_factory.mktemp("shim")
    (directory / "shim.c").write_text(SHIM)
    library = directory / "shim.so"
    argv = [compiler, "-shared", "-fPIC", "-o", str(library), str(directory / "shim.c"), "-ldl"]
    subprocess.run(argv, check=True)
    return library


@pytest.mark.parametrize("call", ["fsync", "write"])
def test_an_io_error_latches_the_writer_closed(place: Place, shim: Path, call: str, tmp_path: Path) -> None:
    place.filled(3)
    flag = tmp_path / "broken"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(place.root), str(flag)],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "PYTHONPATH": str(WORKER.parents[2]),
            "LD_PRELOAD": str(shim),
            "BROKEN_DISK": str(flag),
            "BROKEN_CALL": call,
        },
    )
    broken, after, effects, failed = done.stdout.splitlines()
    assert broken == after
    assert "could not be written" in broken
    # Nothing happens without its row, also once the disk works again.
    assert effects == "effects before"
    assert failed == "failed True"
    with place.reader() as reader:
        paths = [str(entry.body["obj"]) for entry in reader.entries()]
    # Of what was refused nobody can say whether it is on the disk: it may be, its effect is not.
    assert "before" in paths[3]
    assert not any("after" in path for path in paths)
    assert place.verify().exit_code in (0, 4)
    with place.open() as ledger:
        ledger.append(read_of())
    assert place.verify().exit_code == 0


def test_a_volume_that_vanishes_closes_the_writer(tmp_path: Path) -> None:
    mount = tmp_path / "volume"
    mount.mkdir()
    tried = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"volume: a tmpfs cannot be mounted here ({tried.stderr.decode().strip()})")
    place = Place(mount)
    ledger = place.open()
    ledger.append(read_of())
    subprocess.run(["umount", "-l", str(mount)], check=True)
    for _ in range(2):
        with pytest.raises(LedgerUnavailable) as raised:
            ledger.append(read_of())
        assert raised.value.next_step
    assert ledger.failed() is not None
    ledger.close()
    assert list(mount.iterdir()) == []
