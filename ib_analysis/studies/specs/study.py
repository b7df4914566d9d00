"""The base classes of every study's specification."""

from typing import Any, ClassVar, Self

from pydantic import Field, field_validator

from ib_analysis.spec import Seed, Spec


class StudySpec(Spec):
    """A paper's experiment: the networks whose information planes belong to it, and the module that draws it."""

    drawn_by: ClassVar[str] = ""
    encoders: tuple[str, ...] = Field(
        (), description="networks of this experiment whose information planes belong to the study"
    )

    def drawn(self) -> dict[str, Any]:
        """The drawing module in the form of a slice."""
        return {"implementation": self.drawn_by}


class RepeatedStudySpec(StudySpec):
    """A study that measures pieces of its own, repeated over seeds; its `implementation` measures and judges."""

    reads_images: ClassVar[bool] = True
    """Whether the study uses the images of the experiment; otherwise it draws its own data."""
    seeds: tuple[Seed, ...] = Field(
        (0, 1, 2), min_length=1, description="repetitions over which means and intervals are taken"
    )

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"{list(seeds)} names a seed twice")
        return seeds

    @property
    def pieces(self) -> tuple[str, ...]:
        """Names of the independent jobs; by default one per seed."""
        return tuple(f"seed{seed}" for seed in self.seeds)

    def of_piece(self, piece: str) -> Self:
        """What a piece is measured by: the study without what other pieces alone need.

        A finished piece is measured again if this changes, so further seeds, for one, cost only pieces that have them.
        """
        return self.model_copy(update={"encoders": ()})


class SeedBlocksStudySpec(RepeatedStudySpec):
    """A study of which a piece may train the networks of several seeds."""

    seeds_of_a_piece: int = Field(
        1,
        ge=1,
        description="how many seeds one job trains: small networks on a CPU side by side, in 0.4 to 0.9 of the "
        "time; a further seed then costs the job of its block anew",
    )

    @property
    def seed_blocks(self) -> dict[str, tuple[Seed, ...]]:
        """The seeds of each job, by the end of its name.

        >>> SeedBlocksStudySpec(seeds=(0, 1, 7), seeds_of_a_piece=2).seed_blocks
        {'seeds0to1': (0, 1), 'seed7': (7,)}
        """
        count = self.seeds_of_a_piece
        blocks = [self.seeds[i : i + count] for i in range(0, len(self.seeds), count)]
        return {
            f"seed{block[0]}" if len(block) == 1 else f"seeds{block[0]}to{block[-1]}": block
            for block in blocks
        }

    @staticmethod
    def of_seeds(seeds: tuple[Seed, ...]) -> dict[str, Any]:
        """What a piece of these seeds has in place of those of the study, whatever else is in its block."""
        return {"seeds": seeds, "seeds_of_a_piece": len(seeds)}
