"""Base of all specifications: frozen, without unknown keys, and without an import of torch."""

from importlib import import_module
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from decoders.settings import read_choices, refuse_truth_values
from ib_analysis.errors import UserError
from ib_analysis.mistakes import mistakes

Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""A seed that every generator takes: random, numpy and torch on every device."""


class Spec(BaseModel):
    """A validated piece of the configuration.

    A spec class is the only place of its defaults. The spec of an object to be built names the `implementation` as
    "package.module:Class", so the configuration does not import it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    implementation: ClassVar[str] = ""

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_numbers(cls, given: Any) -> Any:
        return read_choices(cls, refuse_truth_values(cls, given))

    def described(self) -> dict[str, Any]:
        """The spec as JSON with the implementation, from which a stage builds the object."""
        return {"implementation": self.implementation, "spec": self.model_dump(mode="json")}


class Described(BaseModel):
    """A spec inside a stage's slice: its fields and its implementation."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    implementation: str
    spec: dict[str, Any]

    def load(self) -> tuple[type, Any]:
        """The implementation, and the spec parsed by its `Spec` class.

        Raises:
            UserError: the class refuses the spec.
        """
        cls: Any = self.implementation_class()
        try:
            return cls, cls.Spec(**self.spec)
        except ValidationError as error:
            raise UserError(f"{self.implementation}: {mistakes(error, self.spec)}.") from error

    def implementation_class(self) -> type:
        """Import the implementation.

        Raises:
            ValueError: it lies outside ib_analysis and decoders.
        """
        module, name = self.implementation.split(":")
        if module.partition(".")[0] not in {"ib_analysis", "decoders"}:
            raise ValueError(f"implementation {self.implementation!r} lies outside ib_analysis and decoders")
        cls: type = getattr(import_module(module), name)
        return cls
