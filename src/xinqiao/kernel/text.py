"""Bilingual text: every word a user reads exists in Chinese and in English."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Text(BaseModel):
    """A text in both languages; Chinese comes first wherever both are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    zh: str
    en: str

    def fill(self, **values: object) -> Text:
        """Return the text with its ``{name}`` places filled in, in both languages.

        A value that is a Text gives each language its own words.
        """
        zh = {name: value.zh if isinstance(value, Text) else value for name, value in values.items()}
        en = {name: value.en if isinstance(value, Text) else value for name, value in values.items()}
        return Text(zh=self.zh.format(**zh), en=self.en.format(**en))

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"
