"""Templates2Html: how every page of the project is rendered."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(package: str) -> "Environment":
    """The templates that lie in a package of the project, such as motionbeat.lab.results.

    Text is escaped, so that none from data can become markup, and a name that a template does not know is an error.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=PackageLoader(package, "."),
        trim_blocks=True,
        lstrip_blocks=True,
    )
