"""The configurations of a log with the time each came into force, and the ledgers they name.

One function for gateway, producer and verifier, so that all three judge a period by the same one.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.plant import Plant
from plantseal_kpi.versions import Version

Step = tuple[int | None, str | None]
"""What an entry of the log tells of time and configuration: ``wall_ns``, and the digest of a
configuration that comes into force with it."""

_WALL: Final = re.compile(rb'"wall_ns":"(-?[0-9]{1,19})"')


def versions(steps: Iterable[Step], plant: Callable[[str], Plant]) -> list[Version]:
    """Return every configuration in the order of the log.

    A configuration came into force at its own ``wall_ns``, but not before any time that the log
    shows earlier: a clock that was set back declares nothing beforehand. An entry without a time
    takes the next that the log shows; without one, its configuration never came into force.

    Args:
        steps: One an entry, in order.
        plant: Reads the plant of a configuration by its digest.
    """
    found: list[Version] = []
    waiting: list[str] = []
    latest: int | None = None
    for wall_ns, sha256 in steps:
        if sha256 is not None:
            waiting.append(sha256)
        if wall_ns is None:
            continue
        latest = wall_ns if latest is None else max(latest, wall_ns)
        found += [Version(latest, digest, plant(digest)) for digest in waiting]
        waiting.clear()
    return found


def steps(lines: Iterable[bytes]) -> Iterator[Step]:
    """Yield what the lines of a log tell of time and configuration.

    The lines are canonical, so a key and its value stand side by side in one way only.

    Example:
        >>> list(steps([b'{"i":3,"prev":"","t":"boot","wall_ns":"5"}']))
        [(5, None)]
    """
    for line in lines:
        wall = _WALL.search(line)
        config = json.loads(line) if b'"t":"config"' in line else None
        if wall or config:
            yield int(wall[1]) if wall else None, config["sha256"] if config else None


def ledgers(plant: Plant, read: Callable[[str], bytes]) -> Ledgers:
    """Return the ledgers that a plant names, by name.

    Args:
        plant: The plant.
        read: Reads the canonical bytes of a ledger by its digest.

    Raises:
        ValueError: The bytes are no ledger of that name.
    """
    if not plant.ledgers:
        return {}
    from plantseal_kpi.business.ledgers import read_canonical

    return {name: read_canonical(read(ref.sha256), name) for name, ref in plant.ledgers.items()}
