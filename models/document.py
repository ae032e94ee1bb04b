"""What every part of park.yaml has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """A frozen part of park.yaml that refuses unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False
    )


class Names(Model):
    """A name in the two languages of the readers."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def get(self, language: str) -> str:
        """The name in `language` (`zh-CN` or `en`)."""
        return self.zh if language.startswith("zh") else self.en
