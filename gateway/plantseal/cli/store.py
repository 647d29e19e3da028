"""Open the plant file and its store for a command."""

import json
from pathlib import Path

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.output import language
from plantseal.config import PlantFile, load
from plantseal.journal import Journal
from plantseal.keys import Signer
from plantseal.keys import load as load_key
from plantseal_kpi.plant import Plant


def plant_file(path: Path) -> PlantFile:
    """Return the plant file, every mistake in it told at once.

    Raises:
        ConfigError: With all problems, each with file, line and column.
    """
    return load(path, lang=language())


def signer_of(file: PlantFile) -> Signer:
    """Return the gateway's signing key.

    Raises:
        Stop: With exit code 3, when there is none yet.
    """
    path = file.data_dir / "keys" / "gateway.pem"
    if not path.exists():
        raise Stop(Exit.INPUT, f"{path}: no signing key; `plantseal run` makes one at first start")
    return load_key(path)


def open_store(file: PlantFile, *, read_only: bool) -> Journal:
    """Return the journal of the plant's data directory.

    Raises:
        JournalError: There is none, it is damaged or of a newer version.
    """
    if read_only:
        return Journal.open(file.data_dir, read_only=True)
    return Journal.open(file.data_dir, signer=signer_of(file))


def plant_in_force(journal: Journal) -> Plant:
    """Return the plant as the configuration in force describes it.

    Raises:
        Stop: With exit code 3, when nothing was configured yet.
    """
    found = journal.config_in_force()
    if found is None:
        raise Stop(Exit.INPUT, "the log holds no configuration yet; start `plantseal run` first")
    return Plant.model_validate(json.loads(found[1])["plant"])
