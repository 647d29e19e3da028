"""The running gateway, and the two commands that look at the sources without it.

``gateway.py`` is the loop, ``crew.py`` the worker processes, ``ready.py`` what stands before the
first row, ``outage.py`` what was missed, ``tally.py`` the live counters, ``sealing.py`` segments in
the background, ``signals.py`` and ``summary.py`` the end, ``once.py`` check and read.
"""

from plantseal.run.gateway import Gateway
from plantseal.run.once import Reading, SourceCheck, check_connect, read_once
from plantseal.run.ready import AlreadyRunning
from plantseal.run.summary import Summary

__all__ = [
    "AlreadyRunning",
    "Gateway",
    "Reading",
    "SourceCheck",
    "Summary",
    "check_connect",
    "read_once",
]
