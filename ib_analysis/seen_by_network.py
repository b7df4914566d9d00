"""Whether a given network has learned on the images that it is measured on, in a word and in a sentence."""

from collections.abc import Mapping
from typing import Literal

Seen = Literal["yes", "no", "unknown"]
"""What is said of the images of decoder and evaluation part; None of a network that the workflow trained on others."""

SENTENCES: Mapping[Seen, str] = {
    "yes": "These numbers are of images that the network has learned on; of new images it says less, most of all of "
    "their labels.",
    "no": "The network has not learned on these images, as its owner says.",
    "unknown": "It is not known whether the network has learned on these images; if it has, the numbers are too high "
    "for new images, most of all those of labels.",
}


def seen_sentence(seen: Mapping[str, Seen | None]) -> str:
    """What is said of the encoders, by name; empty where the workflow trained all of them.

    >>> seen_sentence({"mine": "no"})
    'The network has not learned on these images, as its owner says.'
    >>> seen_sentence({"mine": "no", "ours": None})
    'mine: The network has not learned on these images, as its owner says.'
    """
    said = {name: SENTENCES[word] for name, word in seen.items() if word}
    if len(seen) == 1:
        return "".join(said.values())
    return " ".join(f"{name}: {sentence}" for name, sentence in said.items())
