"""What the specification of every study has in common."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from ib_analysis.spec import Spec


class StudySpec(Spec):
    """A paper's experiment: how large it is run, and which networks' information planes belong to it.

    A spec names the class that measures (`implementation`) and the module that draws (`drawn_by`).
    """

    drawn_by: ClassVar[str] = ""
    reads_images: ClassVar[bool] = True
    """Whether it works on the images of the experiment; else it draws its own."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (0, 1, 2), min_length=1, description="one repetition a seed; the spread is over them"
    )
    encoders: tuple[str, ...] = Field(
        (), description="networks of this experiment whose information planes belong to the study"
    )

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"{list(seeds)} names a seed twice")
        return seeds

    @property
    def pieces(self) -> tuple[str, ...]:
        """Names of the independent jobs: one a seed, where a study does not say otherwise."""
        return tuple(f"seed{seed}" for seed in self.seeds)

    def drawn(self) -> dict[str, Any]:
        """The code that draws, as a slice names it."""
        return {"implementation": self.drawn_by}
