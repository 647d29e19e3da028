"""The gateway: process, store, evidence, command line."""

from importlib.metadata import version

__version__ = version("plantseal")
