"""The process that hosts sources, for isolation: a device that hangs or bloats it harms nobody else.

``process.py`` is the process, ``hosting.py`` one source across its sessions, ``outbox.py`` its rows
on their way to the gateway, ``losses.py`` what an exception means and how long to wait.
"""

from plantseal.worker.hosting import OPEN_S, device_of
from plantseal.worker.losses import loss_of
from plantseal.worker.process import BEAT_S, main

__all__ = ["BEAT_S", "OPEN_S", "device_of", "loss_of", "main"]
