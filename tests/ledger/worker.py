"""A process that appends to a ledger and prints the index of each entry once it is acknowledged.

Arguments: directory, head file, threads, appends per thread (0: until killed).
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from workbench.core.records import SYSTEM, Event
from workbench.ledger import Ledger


def main() -> None:
    """Append from several threads at once."""
    directory, head, threads, appends = (
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        int(sys.argv[3]),
        int(sys.argv[4]),
    )
    ledger = Ledger.open(directory, head_file=head, session=f"s-{os.getpid()}", app_version="0.1.0")

    def work(number: int) -> None:
        with suppress(BrokenPipeError):
            append_and_print(number)

    def append_and_print(number: int) -> None:
        for step in range(appends) if appends else itertools.count():
            mark = f"{os.getpid()}-{number}-{step}"
            entry = ledger.append(Event("file.read", SYSTEM, fields={"obj": {"path": mark}}))
            # One write a line: what was printed was acknowledged, also after kill -9.
            os.write(1, f"{entry.index} {entry.leaf.hex()} {mark}\n".encode())

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ledger.close()


if __name__ == "__main__":
    main()
