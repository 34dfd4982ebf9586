"""What the dataclasses of the model share. The text under a setting is its reference: meaning, unit, default, limits.

pydantic checks TOML against the dataclasses, because it reports all errors at once with their paths and writes the JSON
Schema; the README's reference is made from that schema.
"""

from typing import Any, ClassVar

from pydantic import ConfigDict, Field


class Section:
    """A table of the file: a key that it does not know is an error."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", use_attribute_docstrings=True)


def like(*examples: object, **limits: Any) -> Any:
    """Marks a setting with valid examples, shown in error messages, and with limits (`ge`, `le`)."""
    return Field(examples=list(examples), **limits)
