"""Machines in groups that are computed one after the other, so that memory stays flat."""

from collections.abc import Iterator

from plantseal_kpi.plant import Plant


def machine_groups(plant: Plant, most: int) -> Iterator[Plant]:
    """Yield the plant in parts of about ``most`` points; machines that share a link stay together.

    Clocks, sessions and evidence of life are those of a link, so each part computes its machines as
    the whole plant would. Machines without points come with the last part.
    """
    root: dict[object, object] = {}

    def top(x: object) -> object:
        while (up := root.setdefault(x, x)) != x:
            x = up
        return x

    for p in plant.points:
        for tag in (p.tag, p.link, p.link if p.source_link is None else p.source_link):
            root[top(tag)] = top(p.equipment)
    joined: dict[object, list[str]] = {}
    size: dict[str, int] = {e.id: 0 for e in plant.equipment}
    for p in plant.points:
        size[p.equipment] = size.get(p.equipment, 0) + 1
    # By their first tag: rows of neighbours lie beside each other in the files.
    for name in [*dict.fromkeys(p.equipment for p in sorted(plant.points, key=lambda p: p.tag)),
                 *(e.id for e in plant.equipment if not size[e.id])]:  # fmt: skip
        joined.setdefault(top(name), []).append(name)
    held: list[str] = []
    for names in joined.values():
        if held and sum(size[n] for n in (*held, *names)) > most:
            yield _only(plant, held)
            held = []
        held += names
    yield _only(plant, held)


def _only(plant: Plant, names: list[str]) -> Plant:
    mine = set(names)
    if mine >= {e.id for e in plant.equipment}:
        return plant
    return plant.model_copy(
        update={
            "equipment": type(plant.equipment)(e for e in plant.equipment if e.id in mine),
            "points": type(plant.points)(p for p in plant.points if p.equipment in mine),
        }
    )
