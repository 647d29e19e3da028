"""Connectors come from entry points; a broken one is named."""

import sys
from pathlib import Path

import pytest

from plantseal_connectors import registry


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a distribution that offers a connector; return how."""

    def install(value: str, module: str) -> None:
        info = tmp_path / "acme_plc-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plc\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[plantseal.connectors]\nacme = {value}\n")
        (tmp_path / "acme_plc_connector.py").write_text(module)
        monkeypatch.syspath_prepend(str(tmp_path))
        registry.connectors.cache_clear()

    yield install
    registry.connectors.cache_clear()
    sys.modules.pop("acme_plc_connector", None)


def test_ours_are_there() -> None:
    assert {"opcua", "modbus", "mqtt", "sparkplug"} <= set(registry.connectors())


@pytest.mark.parametrize(
    ("value", "module", "message"),
    [
        (
            "acme_plc_connector:connector",
            "raise RuntimeError('no licence')",
            "RuntimeError: no licence",
        ),
        ("acme_plc_connector:connector", "", "AttributeError"),
        ("acme_plc_gone:connector", "", "ModuleNotFoundError"),
        ("acme_plc_connector:connector", "connector = 7", "got int, expected a Connector"),
    ],
)
def test_a_broken_one_is_named(installed, value: str, module: str, message: str) -> None:
    installed(value, module)
    with pytest.raises(registry.BrokenConnector) as caught:
        registry.connectors()
    assert "connector 'acme' of acme-plc" in str(caught.value)
    assert message in str(caught.value)
    assert "uninstall acme-plc" in str(caught.value)
