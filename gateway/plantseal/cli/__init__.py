"""Arguments, exit codes, rendering. Data goes to stdout, talk to stderr.

Each command imports what it needs when it runs: ``plantseal --help`` and ``plantseal verify`` must
not wait for, or need, a protocol library.
"""

from plantseal.cli.app import main

__all__ = ["main"]
