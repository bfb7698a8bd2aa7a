"""Templates2Html: the rendering of all pages of the project."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(package: str) -> "Environment":
    """The templates in a package of the project, such as motionbeat.lab.results.

    Text is escaped, so that data cannot become markup, and an undefined name in a template is an error.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=PackageLoader(package, "."),
        trim_blocks=True,
        lstrip_blocks=True,
    )
