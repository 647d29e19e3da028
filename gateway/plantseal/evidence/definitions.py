"""``data/kpi/definitions.json`` and ``data/env.json``: which formulas and versions made a report."""

import hashlib
import platform
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

from plantseal.evidence.report import RENDERER
from plantseal_kpi.metrics import CATALOGUE

SOFTWARE: Final = f"plantseal {version('plantseal')}"
"""Product and version, as it stands in the envelope and in ``env.json``."""


def definitions() -> dict[str, Any]:
    """Return the formulas and notices of the installed KPI core: id, version, unit, source."""
    notices = sorted(
        (f for f in (files("plantseal_kpi") / "notices").iterdir() if f.name.endswith(".yaml")),
        key=lambda f: f.name,
    )
    return {
        "schema": "plantseal.definitions/1",
        "metrics": [
            {
                "id": metric.id,
                "version": metric.version,
                "zh": metric.zh,
                "unit": metric.unit,
                "inputs": list(metric.inputs),
                "source": metric.source,
                "facts": list(metric.facts),
                "interval": metric.interval,
            }
            for metric in CATALOGUE.values()
        ],
        "notices": [
            {
                "notice": f.name.removesuffix(".yaml"),
                "sha256": hashlib.sha256(f.read_bytes()).hexdigest(),
            }
            for f in notices
        ],
    }


def environment() -> dict[str, Any]:
    """Return what computed the figures: product, page, Python and the libraries that matter."""
    libraries = ("polars", "numpy", "pydantic", "rfc8785", "cryptography", "tzdata")
    return {
        "schema": "plantseal.env/1",
        "software": SOFTWARE,
        "page": RENDERER,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in libraries},
    }
