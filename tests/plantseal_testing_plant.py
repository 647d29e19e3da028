"""A small plant written to a folder, for tests that begin with a plant.yaml."""

from pathlib import Path

from plantseal.config import Bound, bind, load, tag_names

HEAD = """\
version: 1
site: t
equipment:
  - {id: m1, name: M1, cls: processing}
  - {id: meter, name: Meter, cls: other, production: false}
"""


def write_plant(folder: Path, sources: str = "", tables: dict[str, str] | None = None) -> Path:
    """Write plant.yaml and its tables; return plant.yaml."""
    for name, text in (tables or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    plant = folder / "plant.yaml"
    plant.write_text(HEAD + sources, encoding="utf-8")
    return plant


def bound_plant(plant: Path, start: int = 1) -> Bound:
    """Return the plant with ids counted from ``start``."""
    pf = load(plant)
    return bind(pf, {name: i for i, name in enumerate(tag_names(pf), start)})
