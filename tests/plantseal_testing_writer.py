"""A process that writes to a store and says what is acknowledged, until it is killed or told to end.

``python plantseal_testing_writer.py <store> <seed> [limit in bytes a file may grow to]``
"""

import os
import random
import resource
import signal
import sys
from pathlib import Path

from plantseal_testing_store import CONFIG, numbered, open_store, submitted

from plantseal.journal import JournalError


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # at once: a kill tears no line


def main(root: Path, seed: int, limit: int = 0) -> None:
    chance = random.Random(seed)
    journal = open_store(root)
    journal.configure(CONFIG)
    if limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    say("open")
    while True:
        rows = numbered(journal.next_seq(), chance.choice((1, 10, 500, 3_000)))
        if chance.random() < 0.3:
            rows["vtype"][0], rows["value"][0] = 5, 0
        try:
            acknowledged = journal.append(submitted(rows, (b"text %d" % chance.randrange(50),)))
        except JournalError as failure:
            say("failed", failure)
            break
        say("acknowledged", acknowledged.stop)
        if chance.random() < 0.05:
            journal.close_block()
        if chance.random() < 0.02:
            from plantseal.segments import seal  # half a second: only where it is used

            seal(journal, force=True)
    try:
        journal.append(submitted(numbered(0, 1)))
    except JournalError as refused:
        say("refused", refused)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *map(int, sys.argv[3:]))
