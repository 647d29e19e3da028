"""What all models of the plant share."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise ValueError("expected an IANA time zone such as Asia/Shanghai") from e
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]+$", max_length=128)]


class Model(BaseModel):
    """A frozen model that takes no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Period(Model):
    """A half-open time interval [start, end)."""

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ordered(self) -> "Period":
        if self.end <= self.start:
            raise ValueError("end must be later than start")
        return self
