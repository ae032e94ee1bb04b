"""Templates with the texts of the reader's language."""

from __future__ import annotations

from functools import cache
from typing import Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alerts.language import translations


class Translated(Protocol):
    """What a template shows; it knows its language."""

    @property
    def language(self) -> str:
        """Language of the reader."""
        ...


def render(template: str, page: Translated) -> str:
    """A template of `templates/` filled with `page`; HTML is escaped.

    Raises:
        TemplateError: the template asks for what the page does not have.
    """
    return _environment(page.language).get_template(template).render(page=page)


@cache
def _environment(language: str) -> Environment:
    made = Environment(
        loader=PackageLoader("alerts"),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    return made
