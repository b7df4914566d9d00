"""The studies of an experiment."""

from pydantic import Field

from ib_analysis.spec import Spec
from ib_analysis.studies.specs.beyond_kernels import BeyondKernelsStudySpec
from ib_analysis.studies.specs.darlow2020 import Darlow2020StudySpec
from ib_analysis.studies.specs.quantized import QuantizedStudySpec
from ib_analysis.studies.specs.rir import RirStudySpec
from ib_analysis.studies.specs.shortcut_depth import ShortcutDepthStudySpec
from ib_analysis.studies.specs.stable import StableStudySpec
from ib_analysis.studies.specs.study import RepeatedStudySpec, StudySpec


class StudiesSpec(Spec):
    """One section for each paper; an empty section such as `stable: {}` runs the study at its CPU size."""

    darlow2020: Darlow2020StudySpec | None = Field(
        None,
        description="What information does a ResNet compress (Darlow & Storkey 2020): the claims, judged over the "
        "measured networks",
    )
    rir: RirStudySpec | None = Field(None, description="Resnet in Resnet (Targ, Almeida & Lyman 2016)")
    stable: StableStudySpec | None = Field(
        None, description="Stable ResNet (Hayou et al. 2021): signals, kernels and training against depth"
    )
    beyond_kernels: BeyondKernelsStudySpec | None = Field(
        None,
        description="What can ResNet learn beyond kernels (Allen-Zhu & Li 2019): nets, kernels and features",
    )
    quantized: QuantizedStudySpec | None = Field(
        None,
        description="Pareto-optimal quantized ResNet (Abdolrashidi et al. 2021): cost against accuracy by bits",
    )
    shortcut_depth: ShortcutDepthStudySpec | None = Field(
        None,
        description="Demystifying ResNet (Li et al. 2016): Hessians and training by depth of the shortcuts",
    )

    @property
    def chosen(self) -> dict[str, StudySpec]:
        """The chosen studies by name, in the order of the papers."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: study for name, study in found.items() if study is not None}

    @property
    def repeated(self) -> dict[str, RepeatedStudySpec]:
        """The chosen studies that measure pieces of their own."""
        return {name: study for name, study in self.chosen.items() if isinstance(study, RepeatedStudySpec)}
