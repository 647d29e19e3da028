"""The process that hosts sources, for isolation: a device that hangs or bloats it harms nobody else.

``process.py`` is the process, ``hosting.py`` one source across its sessions, ``outbox.py`` its rows
on their way to the gateway, ``losses.py`` what an exception means and how long to wait.
"""

from plantseal.worker.hosting import OPEN_S
from plantseal.worker.losses import Loss, loss_of, no_session, readable
from plantseal.worker.process import main

__all__ = ["OPEN_S", "Loss", "loss_of", "main", "no_session", "readable"]
