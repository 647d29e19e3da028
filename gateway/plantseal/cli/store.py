"""Open the plant file and its store for a command."""

import json
from pathlib import Path

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.output import language, word
from plantseal.config import PlantFile, load
from plantseal.journal import Journal
from plantseal.keys import Signer
from plantseal.opening import key_of
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
    if not path.exists() and not (file.data_dir / "journal.db").exists():
        raise Stop(
            Exit.INPUT,
            f"{path}: "
            + word(
                "no signing key and no store yet; `plantseal run` makes both at the first start",
                "尚无签名密钥和数据；首次运行 plantseal run 时自动生成",
            ),
        )
    return key_of(path)


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
        raise Stop(
            Exit.INPUT,
            word(
                "the log holds no configuration yet; start `plantseal run` first",
                "日志中尚无配置；请先运行 plantseal run",
            ),
        )
    return Plant.model_validate(json.loads(found[1])["plant"])
