"""What every specification is: frozen, strict about unknown keys, and silent about torch."""

from importlib import import_module
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ib_analysis.errors import UserError
from ib_analysis.mistakes import mistakes

Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""A seed that every generator takes: random, numpy and torch on every device."""


class Spec(BaseModel):
    """A validated piece of the configuration.

    Defaults live here and nowhere else. A spec that stands for something to be built names its
    `implementation` as "package.module:Class", so that the configuration never imports it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    implementation: ClassVar[str] = ""

    def described(self) -> dict[str, Any]:
        """The spec as JSON together with the implementation it names: what a stage needs to build it."""
        return {"implementation": self.implementation, "spec": self.model_dump(mode="json")}


class Described(BaseModel):
    """A spec inside a stage's slice: fields plus the class that understands them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    implementation: str
    spec: dict[str, Any]

    def load(self) -> tuple[type, Any]:
        """The implementation class and its spec, parsed by the class's own `Spec`.

        Raises:
            UserError: the class refuses the spec.
        """
        cls: Any = self.implementation_class()
        try:
            return cls, cls.Spec(**self.spec)
        except ValidationError as error:
            raise UserError(f"{self.implementation}: {mistakes(error, self.spec)}.") from error

    def implementation_class(self) -> type:
        """The class that is named."""
        module, name = self.implementation.split(":")
        if module.partition(".")[0] not in {"ib_analysis", "decoders"}:
            raise ValueError(f"implementation {self.implementation!r} lies outside ib_analysis and decoders")
        cls: type = getattr(import_module(module), name)
        return cls
