"""What all events of a scenario have in common."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from models.park import Park

Ratio = Annotated[float, Field(ge=0, le=1)]


class BaseEvent(BaseModel):
    """What all events have.

    Attributes:
        expected_codes: findings of which the chain should raise one; empty: it should stay quiet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    expected_codes: ClassVar[tuple[str, ...]] = ()
    enterprise: str | None = None
    meter: str | None = None

    @property
    def subject(self) -> str:
        """Whom it strikes: a meter, an enterprise or the whole park."""
        return self.meter or self.enterprise or "park"

    def touches(self, enterprise: str, meter: str) -> bool:
        """True when it strikes this meter of this enterprise."""
        return self.enterprise in (None, enterprise) and self.meter in (None, meter)

    def meters(self, park: Park) -> tuple[str, ...]:
        """Meters that it strikes."""
        pairs = ((e.key, m.key) for e in park.enterprises for m in e.meters)
        return tuple(m for e, m in pairs if self.touches(e, m))


class Span(BaseEvent):
    """An event with a beginning and an end."""

    start: AwareDatetime = Field(alias="from")
    stop: AwareDatetime = Field(alias="to")
