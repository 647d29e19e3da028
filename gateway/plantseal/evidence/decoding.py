"""The process in which a stranger's Parquet is opened; the verifier itself never opens one.

The Parquet decoder panics on some malformed files, in threads of its own, and has aborted the whole
process after a few hundred of them; and a few bytes can ask it for any amount of memory. So it works
in a child with bounded memory and time, and only 56-byte rows come back, to be checked against the
log. A file that kills the child is unreadable, and that is all; a child that met a bad file is not
used for another.
"""

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from plantseal.evidence.format import MAX_SEGMENT_ROWS, Code, Refused
from plantseal.evidence.verify_rows import ROW, read_segment

MAX_MEMORY: Final = 8 * 2**30  # address space; 8 M rows take well under one GiB
MAX_SECONDS: Final = 300.0
_FEW_THREADS: Final = {"POLARS_MAX_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"}
"""Each thread reserves address space; on a machine of many cores that alone would be the limit."""


class Decoder:
    """A child process that turns segments into rows; started when first needed.

    May serve several verifications, one after the other. Use as a context manager.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def rows(self, path: Path, name: str, scratch: Path) -> NDArray[np.void]:
        """Return the canonical rows of the segment at ``path`` in ``seq`` order.

        Args:
            path: The Parquet file.
            name: Its name in the bundle, for messages.
            scratch: Directory for a file that is removed before this returns.

        Raises:
            Refused: E601 when it cannot be read or ended the decoder, E105 when it is too large.
        """
        target = scratch / "rows.bin"
        try:
            answer = self._ask({"path": str(path), "name": name, "target": str(target)})
            if answer is None:
                raise Refused(Code.UNREADABLE, f"{name}: the Parquet decoder did not survive it")
            if answer:
                self._end()
                code, message = answer
                raise Refused(Code(code), message)
            if target.stat().st_size > MAX_SEGMENT_ROWS * ROW.itemsize:
                raise Refused(Code.SIZE, f"{name}: more than {MAX_SEGMENT_ROWS} rows")
            return np.fromfile(target, dtype=ROW)
        finally:
            target.unlink(missing_ok=True)

    def _ask(self, question: dict[str, str]) -> list[str] | None:
        """Return the child's answer, empty when all is well; None when it died over it."""
        child = self._child or self._start()
        stdin, stdout = child.stdin, child.stdout
        if stdin is None or stdout is None:
            return None
        alarm = threading.Timer(MAX_SECONDS, child.kill)
        alarm.start()
        try:
            with suppress(BrokenPipeError):
                stdin.write(json.dumps(question).encode() + b"\n")
                stdin.flush()
            line = stdout.readline()
        finally:
            alarm.cancel()
        if not line.endswith(b"\n"):
            self._end()
            return None
        answer: list[str] = json.loads(line)
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "plantseal.evidence.decoding"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # where the decoder prints its stack traces
            env={**os.environ, **_FEW_THREADS},
        )
        return self._child

    def _end(self) -> None:
        if self._child is None:
            return
        child, self._child = self._child, None
        child.kill()
        with suppress(BrokenPipeError):
            child.communicate()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MAX_MEMORY if hard == resource.RLIM_INFINITY else min(MAX_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def main() -> None:
    """Answer questions on stdin until it ends: one JSON line each way."""
    _limit_memory()
    for line in sys.stdin:
        question = json.loads(line)
        try:
            read_segment(Path(question["path"]), question["name"]).tofile(question["target"])
            answer: list[str] = []
        except Refused as e:
            answer = [e.code, e.message]
        except (MemoryError, OSError) as e:
            answer = [Code.UNREADABLE, f"{question['name']}: {str(e) or 'out of memory'}"]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
