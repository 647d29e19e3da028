"""One sealed store for all tests of a session; each test forges a copy of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from plantseal_testing_bundle import ORIGIN, Forger, sealed

from plantseal import keys
from plantseal.evidence.decoding import Decoder


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, keys.Signer]:
    bundle, signer = sealed(tmp_path_factory.mktemp("original"))
    return bundle.path, signer


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    """Return one decoder for all verifications; what one file does to it must not harm the next."""
    with Decoder() as opened:
        yield opened


@pytest.fixture
def forger(original: tuple[Path, keys.Signer], tmp_path: Path) -> Forger:
    """Return an operator with the gateway's own key and a copy of the bundle."""
    path, signer = original
    shutil.copytree(path, tmp_path / "bundle")
    return Forger(tmp_path / "bundle", signer)


@pytest.fixture
def stranger(tmp_path: Path) -> keys.Signer:
    """Return another key that bears the same name."""
    return keys.create(tmp_path / "stranger" / "gateway.pem", ORIGIN)
