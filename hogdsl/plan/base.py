"""The base of all that travels."""

from pydantic import BaseModel, ConfigDict


class Wire(BaseModel):
    """Base of all wire types: frozen, and unknown fields are an error.

    The validator of a type is built when one is first made or read: `import hogdsl` stays quick.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
