"""The references of the page, in the order of their numbers."""

from typing import NamedTuple


class Reference(NamedTuple):
    """A published work."""

    authors: str
    year: int
    title: str
    where: str
    link: str


REFERENCES = (
    Reference(
        "Darlow and Storkey",
        2020,
        "What information does a ResNet compress?",
        "arXiv 2003.06254",
        "https://arxiv.org/abs/2003.06254",
    ),
    Reference(
        "Saxe et al.",
        2018,
        "On the information bottleneck theory of deep learning",
        "ICLR",
        "https://openreview.net/forum?id=ry_WPG-A-",
    ),
    Reference(
        "Goldfeld et al.",
        2019,
        "Estimating information flow in deep neural networks",
        "arXiv 1810.05728",
        "https://arxiv.org/abs/1810.05728",
    ),
    Reference(
        "Xu et al.",
        2020,
        "A theory of usable information under computational constraints",
        "arXiv 2002.10689",
        "https://arxiv.org/abs/2002.10689",
    ),
    Reference(
        "McAllester and Stratos",
        2020,
        "Formal limitations on the measurement of mutual information",
        "arXiv 1811.04251",
        "https://arxiv.org/abs/1811.04251",
    ),
    Reference(
        "Salimans et al.",
        2017,
        "PixelCNN++: improving the PixelCNN with discretized logistic mixture likelihood "
        "and other modifications",
        "arXiv 1701.05517",
        "https://arxiv.org/abs/1701.05517",
    ),
)
