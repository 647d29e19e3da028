"""Windows: the periods that count, declared before they begin."""

from plantseal_kpi.plant.base import Id, Model, Period


class Window(Model):
    """A period declared to be reported.

    Attributes:
        id: Unique in the plant, never reused.
        period: What will be reported.
        purpose: Notice or reason.
    """

    id: Id
    period: Period
    purpose: str = ""
