"""The OPC UA source: a subscription whose messages become batches, acknowledged once durable.

A few publish requests lie at the server. Each answer is one message: it becomes one batch, the
batch is committed, and only then is the message acknowledged and asked for the next, in one and the
same request. So at most ``publish_requests`` messages are in memory, a slow journal slows the
publishing, and what then overflows is lost in the server's queues, flagged.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Final

from asyncua.ua.uaerrors._base import UaStatusCodeError

from plantseal_connectors.opcua import decode, failures, plan, subscription
from plantseal_connectors.opcua.binary import DecodingError
from plantseal_connectors.opcua.decode import PublishResponse, RowDecoder
from plantseal_connectors.opcua.session import OpcUaSession
from plantseal_connectors.opcua.settings import OpcUaSettings
from plantseal_connectors.opcua.subscription import Subscription
from plantseal_connectors.rows import Batch, Flag, Kind, VType
from plantseal_connectors.source import Birth, Disconnected, RowSink, SourcePlan
from plantseal_connectors.status import BAD_NOT_CONNECTED, BAD_TIMEOUT

RETRY_REFUSED_S: Final = 60.0
DRAIN_S: Final = 5.0
MAX_UNPARSED_BYTES: Final = 65_536
_BAD_TOO_MANY_PUBLISH_REQUESTS: Final = 0x8078_0000
_BAD_SEQUENCE_NUMBER_UNKNOWN: Final = 0x807A_0000
_SEQUENCE_END: Final = 2**32


class OpcUaSource:
    """One OPC UA server, read through one subscription."""

    def __init__(self, source: SourcePlan) -> None:
        if not isinstance(source.settings, OpcUaSettings):
            raise TypeError(f"{source.id}: got {type(source.settings)}, expected OpcUaSettings")
        self._settings = source.settings
        self._nodes = plan.nodes(source.tags)
        self._rows = RowDecoder(
            source.links[""], {h: n.element for h, n in self._nodes.items()}, set(self._nodes)
        )
        self._session = OpcUaSession(self._settings)
        self._subscription: Subscription | None = None
        self._refused: dict[int, int] = {}
        self._lost = asyncio.Event()
        self._next_sequence = 1
        self._acknowledge: list[int] = []
        self._outstanding = 0
        self._heard = 0.0
        self._commits: set[asyncio.Future[None]] = set()

    async def open(self) -> Birth:
        """Connect, create the subscription and its items, and return what was found.

        Raises:
            Disconnected: No connection, or no answer in time.
            Refused: Security, certificate or account are not accepted.
        """
        session, settings = self._session, self._settings
        await session.open(self._lost.set)
        identity, limits = await session.identity(), await session.limits()
        offset_ns = await session.clock_offset_ns()
        namespaces = await session.namespaces()
        created = await subscription.create(session, settings, limits)
        self._subscription = created
        self._refused = await subscription.monitor(
            session, settings, created, self._nodes, namespaces
        )
        limits["publishing_ms"] = round(created.publishing_ms)
        limits["keepalive_ms"] = round(created.publishing_ms * created.keepalive_count)
        if created.queue_size is not None:
            limits["queue_size"] = created.queue_size
        return Birth(
            endpoint=settings.endpoint,
            identity=identity,
            security=session.security,
            authenticated=session.security != "None",
            clock_offset_ns=offset_ns,
            limits=limits,
            refused=dict(self._refused),
        )

    async def run(self, out: RowSink) -> None:
        """Put one batch a message until cancelled.

        Raises:
            Disconnected: Connection, session or subscription is lost, or silent for too long.
        """
        granted = self._granted()
        self._heard = time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch(granted))
                group.create_task(self._retry_refused(granted, out))
                for _ in range(self._settings.publish_requests):
                    group.create_task(self._receive(granted, out))
        except ExceptionGroup as errors:
            raise _first(errors) from errors
        finally:
            if self._commits:  # what has arrived is kept, also when the line is gone
                _, late = await asyncio.wait(self._commits, timeout=DRAIN_S)
                for commit in late:
                    commit.cancel()

    async def close(self) -> None:
        """Release the session; never raises, returns within five seconds."""
        await self._session.close()

    def _granted(self) -> Subscription:
        if self._subscription is None:
            raise Disconnected(f"{self._settings.endpoint}: not open", status=BAD_NOT_CONNECTED)
        return self._subscription

    async def _receive(self, granted: Subscription, out: RowSink) -> None:
        """Keep one publish request at the server, for ever."""
        while True:
            acknowledged, self._acknowledge = self._acknowledge, []
            if self._outstanding == 0:
                self._heard = time.monotonic()  # while nothing was asked, silence was our own
            self._outstanding += 1
            try:
                body = await subscription.publish(self._session, granted.id, acknowledged)
            except UaStatusCodeError as e:
                if not self._goes_on(int(e.code)):
                    return
                await asyncio.sleep(granted.publishing_ms / 1000)
                continue
            finally:
                self._outstanding -= 1
            t_receive = time.time_ns()
            self._heard = time.monotonic()
            # No await from arrival to here: batches are put in the order in which they came.
            batch, number = self._read(body, granted, t_receive)
            await self._commit(out, batch)
            if number is not None:
                self._acknowledge.append(number)

    def _goes_on(self, code: int) -> bool:
        """Return True when a publish request refused with ``code`` is to be repeated.

        Raises:
            Disconnected: There is nothing to be published any more.
        """
        if code in (BAD_TIMEOUT, _BAD_SEQUENCE_NUMBER_UNKNOWN):
            return True
        if code == _BAD_TOO_MANY_PUBLISH_REQUESTS and self._outstanding > 1:
            return False  # the server holds fewer: go on with those it has
        error = failures.of_status(code, self._settings)
        raise Disconnected(f"{error}: subscription lost", status=error.status)

    def _read(self, body: bytes, granted: Subscription, t_receive: int) -> tuple[Batch, int | None]:
        """Return the rows of a message, and its number where it is to be acknowledged."""
        rows = self._rows
        try:
            message = decode.publish_response(body)
        except DecodingError:
            rows.add_unparsed(body[:MAX_UNPARSED_BYTES], t_receive, 0)
            return rows.batch(), None
        if message.ended is not None or message.subscription != granted.id:
            status = message.ended or BAD_NOT_CONNECTED
            raise Disconnected(
                f"{self._settings.endpoint}: subscription ended by the server", status=status
            )
        flags = self._number(message, t_receive)
        if message.keepalive:
            rows.add(Kind.KEEPALIVE, rows.link, t_receive, message.sequence,
                     t_server=message.t_publish)  # fmt: skip
            return rows.batch(), None
        for change in message.changes:
            start = change.pos
            try:
                rows.add_changes(change, t_receive, message.sequence, flags)
            except DecodingError:
                payload = change.data[start : change.end]
                rows.add_unparsed(payload[:MAX_UNPARSED_BYTES], t_receive, message.sequence)
        return rows.batch(), message.sequence

    def _number(self, message: PublishResponse, t_receive: int) -> int:
        """Follow the message numbers; return the flags of the message's rows.

        A keep-alive carries the number of the message after it. Numbers run from 1 to 2^32-1 and
        start again at 1.

        Source: OPC 10000-4, 5.14.1.1 and 7.26 NotificationMessage.
        """
        missing = (message.sequence - self._next_sequence) % _SEQUENCE_END
        old = missing >= _SEQUENCE_END // 2
        if missing and not old:
            self._rows.add(Kind.SEQ_GAP, self._rows.link, t_receive, message.sequence,
                           status=BAD_NOT_CONNECTED, vtype=VType.U64, bits=missing)  # fmt: skip
        if message.keepalive:
            if not old:
                self._next_sequence = message.sequence
            return 0
        self._next_sequence = (message.sequence + 1) % _SEQUENCE_END or 1
        return int(Flag.REDELIVERED) if old else 0

    async def _commit(self, out: RowSink, batch: Batch) -> None:
        commit = asyncio.ensure_future(out.put(batch))
        self._commits.add(commit)
        commit.add_done_callback(self._commits.discard)
        await asyncio.shield(commit)

    async def _watch(self, granted: Subscription) -> None:
        """Raise once the session is lost or the subscription has been silent for too long."""
        where = self._settings.endpoint
        while True:
            quiet_s = time.monotonic() - self._heard if self._outstanding else 0.0
            left_s = granted.silence_s - quiet_s
            if left_s <= 0:
                raise Disconnected(
                    f"{where}: no data and no keep-alive for {quiet_s:.1f} s, "
                    f"expected one every {granted.silence_s / subscription.SILENT_KEEPALIVES:g} s",
                    status=BAD_TIMEOUT,
                )
            try:
                async with asyncio.timeout(left_s):
                    await self._lost.wait()
            except TimeoutError:
                continue
            raise Disconnected(f"{where}: connection lost", status=BAD_NOT_CONNECTED)

    async def _retry_refused(self, granted: Subscription, out: RowSink) -> None:
        """Write a BAD row for each refused tag, and ask for it again every minute."""
        while self._refused:
            t_receive = time.time_ns()
            for tag, status in self._refused.items():
                self._rows.add(Kind.VALUE, tag, t_receive, 0, status=status)
            await self._commit(out, self._rows.batch())
            await asyncio.sleep(RETRY_REFUSED_S)
            nodes = {tag: self._nodes[tag] for tag in self._refused}
            self._refused = await subscription.monitor(
                self._session, self._settings, granted, nodes, await self._session.namespaces()
            )


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    """Return the error that matters: one of our own side before the loss of the line."""
    found = list(_leaves(errors))
    return next((e for e in found if not isinstance(e, Disconnected)), found[0])
