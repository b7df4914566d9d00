"""Which papers' experiments belong to an experiment."""

from ib_analysis.spec import Spec
from ib_analysis.studies.specs.study import StudySpec


class StudiesSpec(Spec):
    """A section a paper; an empty one, such as `stable: {}`, is its CPU size."""

    @property
    def chosen(self) -> dict[str, StudySpec]:
        """The studies that are asked for, by name, in the order of the papers."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: study for name, study in found.items() if study is not None}
