"""Named sets of settings: `decoders.preset` in a configuration, `preset` of `analyse`.

A preset sets keys that exist, and nothing else: of `decoders`, and for `analyse` of `calibration` too. What is written
beside it in the section counts more.
"""

from collections.abc import Mapping
from typing import Any, Literal

from ib_analysis.configuration import merged

Preset = Literal["quick", "standard", "careful"]

_SMALL = {
    "kind": "pixelcnn_pp",
    "filters": 16,
    "layers": 1,
    "mixtures": 3,
    "dropout": 0.0,
    "context_filters": 16,
    "context_layers": 1,
}
# Fits that start from a pretrained decoder warm up: at their full rate the first steps of Adam, which are of one size
# whatever the gradient, undo more of what it has learned than 100 steps on CIFAR-10 of 16x16 bring back.
PRESETS: Mapping[Preset, Mapping[str, Any]] = {
    # One look: does everything run, and what is the order of magnitude? One fit a point, whose error is unknown, but
    # where `seeds` says otherwise, as those of `analyse` do.
    "quick": {
        "image": _SMALL,
        # So few steps need a warm-up and a shorter memory of Adam, with which they bear twice the rate. `standard` does
        # without: its intervals on digits were twice as wide with them.
        "pretrained_fit": {
            "steps": 200,
            "batch_size": 32,
            "learning_rate": 8.0e-3,
            "warmup_steps": 20,
            "betas": [0.9, 0.99],
            "average_decay": 0.98,
            "evaluate_every": 40,
        },
        "image_fit": {
            "steps": 100,
            "batch_size": 32,
            "learning_rate": 4.0e-3,
            "pretrained_rate": 1.0,
            "warmup_steps": 10,
            "betas": [0.9, 0.99],
            "average_decay": 0.98,
            "evaluate_every": 20,
        },
        "label_fit": {
            "steps": 200,
            "batch_size": 64,
            "learning_rate": 3.0e-3,
            "average_decay": 0.98,
            "evaluate_every": 40,
            "patience": 3,
        },
        "seeds": [0],
        "mixture": {"points": 1, "nearest": 16},
    },
    # Decoders of the demo's size, without dropout and with 300 steps a point; two fits, so that the error over fits is
    # known.
    "standard": {
        "image": _SMALL,
        "pretrained_fit": {
            "steps": 450,
            "batch_size": 32,
            "learning_rate": 4.0e-3,
            "average_decay": 0.98,
            "evaluate_every": 30,
        },
        "image_fit": {
            "steps": 300,
            "batch_size": 32,
            "learning_rate": 4.0e-3,
            "pretrained_rate": 1.0,
            "warmup_steps": 30,
            "betas": [0.9, 0.99],
            "average_decay": 0.98,
            "evaluate_every": 30,
        },
        "label_fit": {
            "steps": 450,
            "batch_size": 64,
            "learning_rate": 3.0e-3,
            "average_decay": 0.98,
            "evaluate_every": 30,
            "patience": 4,
        },
        "seeds": [0, 1],
        "mixture": {"points": 2, "nearest": 48},
    },
    # Larger decoders that are fitted until they improve no more, three times a point: for a GPU, or a night.
    "careful": {
        "image": {
            "kind": "pixelcnn_pp",
            "filters": 48,
            "layers": 2,
            "mixtures": 5,
            "dropout": 0.2,
            "context_filters": 48,
            "context_layers": 2,
        },
        "pretrained_fit": {
            "steps": 8000,
            "batch_size": 64,
            "learning_rate": 1.0e-3,
            "average_decay": 0.999,
            "evaluate_every": 200,
            "patience": 8,
        },
        "image_fit": {
            "steps": 3000,
            "batch_size": 64,
            "learning_rate": 1.0e-3,
            "pretrained_rate": 1.0,
            "average_decay": 0.999,
            "evaluate_every": 100,
            "patience": 8,
        },
        "label_fit": {
            "steps": 3000,
            "batch_size": 128,
            "learning_rate": 1.0e-3,
            "average_decay": 0.999,
            "evaluate_every": 100,
            "patience": 8,
        },
        "seeds": [0, 1, 2],
        "mixture": {"points": 2, "nearest": 48},
    },
}

LADDERS: Mapping[Preset, Mapping[str, Any] | None] = {
    "quick": None,
    "standard": {"k_means": [2, 16, 64], "signs": [], "rotations": 0},
    "careful": {"k_means": [2, 4, 16, 64, 256]},
}
"""The section `calibration` that `analyse` adds: without one, intervals are over images and fits alone."""

WIDTHS: Mapping[tuple[str, tuple[int, int, int]], float] = {
    ("quick", (1, 8, 8)): 0.86,
    ("quick", (3, 8, 8)): 4.8,
    ("quick", (3, 16, 16)): 4.6,
    ("quick", (3, 32, 32)): 5.0,
    ("standard", (1, 8, 8)): 1.0,
    ("standard", (3, 8, 8)): 4.4,
    ("standard", (3, 16, 16)): 4.7,
    ("standard", (3, 32, 32)): 4.7,
}
"""Half the width of 95 % intervals of I(x;code), in bits, by preset and (channels, height, width).

The median of 16 codes of known information, which `workflow/config/preset-ladder.yaml` measured on digits (359 images
to evaluate) and on 12,000 images of CIFAR-10 (2,400 to evaluate): an order of magnitude (`docs/performance.md`)."""


def with_preset(section: Mapping[str, Any]) -> dict[str, Any]:
    """A section `decoders` with the settings of the preset that it names, under its own.

    >>> found = with_preset({"preset": "quick", "image": {"filters": 8}})
    >>> found["image"]["filters"], found["image"]["layers"], found["image_fit"]["steps"]
    (8, 1, 100)
    """
    found = [settings for name, settings in PRESETS.items() if name == section.get("preset")]
    return merged([*found, section])
