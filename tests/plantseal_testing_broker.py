"""A real broker for tests, a sink that remembers, and sources built from addresses."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plantseal_connectors.rows import ABSENT, Batch, Kind, VType
from plantseal_connectors.source import Connector, Source, SourcePlan
from plantseal_connectors.tags import Tag, TagSpec

LINK = 1000
_MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"  # Debian: not on every PATH


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextlib.contextmanager
def mosquitto(
    *lines: str,
    accounts: dict[str, str] | None = None,
    port: int | None = None,
    crash: bool = False,
) -> Iterator[int]:
    """Run mosquitto with these configuration lines; yield its port.

    At the end it stops in order and publishes the wills of its clients, or crashes and does not.
    """
    with tempfile.TemporaryDirectory() as folder:
        port = port or free_port()
        text = [f"listener {port} 127.0.0.1", "persistence false", "log_type error", *lines]
        if accounts is None:
            text.append("allow_anonymous true")
        else:
            passwords = Path(folder, "passwords")
            passwords.touch(mode=0o600)
            for name, secret in accounts.items():
                subprocess.run(["mosquitto_passwd", "-b", str(passwords), name, secret], check=True)
            text += ["allow_anonymous false", f"password_file {passwords}"]
            Path(folder).chmod(0o755)
            passwords.chmod(0o644)  # mosquitto gives up root before it reads the file
        config = Path(folder, "mosquitto.conf")
        config.write_text("\n".join(text) + "\n")
        broker = subprocess.Popen(
            [_MOSQUITTO, "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _listening(port, broker)
            yield port
        finally:
            broker.kill() if crash else broker.terminate()
            broker.wait(5)


def _listening(port: int, broker: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and broker.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise AssertionError(f"mosquitto does not listen on {port}, exit code {broker.poll()}")


def run(test: Callable[[], Awaitable[None]], limit_s: float = 15) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(limit_s):
            await test()

    asyncio.run(bounded())


def readable(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    """Return rows with kind, value and times as a person reads them."""
    found = []
    for batch in batches:
        for row in batch.rows:
            bits, vtype = int(row["value"]), VType(row["vtype"])
            value: Any = {
                VType.NULL: lambda _b: None,
                VType.BOOL: bool,
                VType.I64: lambda b: b - 2**64 if b >= 2**63 else b,
                VType.U64: lambda b: b,
                VType.F64: lambda _b, r=row: float(r["value"].view("<f8")),
                VType.TEXT: lambda b, t=batch.texts: t[b].decode(),
                VType.BYTES: lambda b, t=batch.texts: t[b],
            }[vtype](bits)
            entry = {name: int(row[name]) for name in ("tag", "status", "src_seq", "flags")}
            times = {
                name: None if row[name] == ABSENT else int(row[name])
                for name in ("t_source", "t_server", "t_receive")
            }
            found.append({**entry, **times, "kind": Kind(row["kind"]), "value": value})
    return found


@dataclass
class Sink:
    """Remembers batches; a commit may be held back, or fail as a full disk would."""

    batches: list[Batch] = field(default_factory=list)
    offered: int = 0
    commit: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.commit.set()

    async def put(self, batch: Batch) -> None:
        self.offered += len(batch.rows)
        self.news.set()
        await self.commit.wait()
        self.batches.append(batch)
        self.news.set()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return readable(self.batches)

    async def until(self, enough: Callable[[], bool]) -> None:
        while not enough():
            self.news.clear()
            if not enough():
                await self.news.wait()


def tags(*addresses: str) -> tuple[Tag, ...]:
    return tuple(
        Tag(i, TagSpec(name=f"t{i}", equipment="m1", address=address))
        for i, address in enumerate(addresses, 1)
    )


def source(connector: Connector, settings: dict[str, Any], *addresses: str) -> Source:
    made, found = connector.settings.model_validate(settings), tags(*addresses)
    assert connector.check(made, found) == []
    devices = ("", *connector.devices(made, found))
    links = {key: LINK + i for i, key in enumerate(devices)}
    return connector.build(SourcePlan("line", made, found, (), links))


@contextlib.asynccontextmanager
async def running(opened: Source, sink: Sink) -> Any:
    """Run an opened source; close it at the end. What run raises is the task's result."""
    task = asyncio.create_task(opened.run(sink))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await opened.close()
