"""Fits of decoders that a job keeps in its scratch folder: finished ones are reused, small ones are fitted together.

A `Piece` names one decoder with its pairs and its recipe. `fit_or_reuse` gives the folder of its fit. Before it,
`fit_stacks` fits pieces side by side where that is faster: decoders of few filters on a GPU, which spends a step on
their launches (docs/gpu.md).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import torch
from torch import Tensor

from decoders.density import Decoder
from decoders.fitting import Fit, fit
from decoders.memory import BUDGET
from decoders.pairs import Pairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.stacked import architecture_of
from decoders.saving import load_decoder, save_decoder
from decoders.side_by_side import StackedPairs, fit_side_by_side
from decoders.spec import FitSpec, ImageTarget, LabelTarget
from decoders.training.process_group import Ranks, join_process_group
from decoders.training.validation import HistoryRow
from ib_analysis import spec
from ib_analysis.artefacts import link, read_json, replacing_folder, sha256, write_json
from ib_analysis.datasets.dataset import Header
from ib_analysis.decoder_files import decoder_name, fits_path, history_path, weights_path
from ib_analysis.point import Target
from ib_analysis.provenance import Job, digest_of
from ib_analysis.rows import write_rows
from ib_analysis.scratch import is_kept, keep, locked

MOST_FILTERS = 32
"""Decoders of more filters were not measured side by side; at (24, 1) eight take the time of two."""
SHARE_OF_MEMORY = 0.125
"""Of a GPU, on which other jobs may fit stacks at the same time; what is free would part the pieces anew each time."""
STACKED_STEP = {False: 2.5, True: 5.0}
"""Bytes of a member's step in those of `DecoderMemory.step`, in mixed precision and in float32: a stack gathers what
its convolutions read (2.2 and 4.3 measured on a CPU, at 24 and 32 filters)."""
STACK, MEMBERS = "side-by-side", "members.json"
"""The folder of a stack's state, before its digest, and the file in it that names the folders of the members."""
ROWS_AT_ONCE = 1024
"""Pairs that are read at once: h may be recomputed from as many images."""


@dataclass(frozen=True)
class Piece:
    """One decoder to be fitted, with its pairs and its recipe; its weights depend on `facts` as well.

    It starts from the weights of `start`.
    """

    name: str
    decoder: spec.Described
    target: ImageTarget | LabelTarget
    context: tuple[int, ...] | None
    pairs: Pairs
    fit: FitSpec
    facts: Mapping[str, Any]
    start: Path | None = None

    @property
    def key(self) -> str:
        """Digest of everything that the fitted weights depend on."""
        content = {
            "decoder": self.decoder.model_dump(),
            "fit": self.fit.model_dump(mode="json"),
            "facts": dict(self.facts),
            "start": sha256(self.start) if self.start else None,
        }
        return digest_of(content)


@contextmanager
def process_group(scratch: Path, device: torch.device) -> Iterator[None]:
    """Connect all processes of this stage; the first locks the scratch folder for them."""
    with join_process_group(device) as ranks, locked(scratch) if ranks.first else nullcontext():
        ranks.wait()
        yield
        ranks.wait()


def fit_or_reuse(piece: Piece, scratch: Path, device: torch.device) -> Path:
    """The folder of the fitted decoder, from an earlier run where its key is the same, else fitted now."""
    folder, ranks = _folder(piece, scratch), Ranks.current()
    if not ranks.from_first(ranks.first and is_kept(folder)):
        _fit(piece, folder, device)
    return folder


def fit_stacks(pieces: Iterable[Piece], scratch: Path, device: torch.device) -> None:
    """Fit side by side those pieces that gain from it, and keep their folders for `fit_or_reuse`; leave the others.

    Pieces with the same target predict the same examples in the same order. Each member has the result of its lone fit
    up to rounding and, with dropout, the masks. Which pieces make a stack depends on the pieces and the kind of device,
    so an interrupted stack goes on. The pieces are not read where the device has no stacks.
    """
    most = bytes_for_stacks(device)
    if not most or Ranks.current().several:
        return
    for members in stacks_of([(piece, _built(piece)) for piece in pieces if _is_small(piece)], most):
        missing = [member for member in members if not is_kept(_folder(member[0], scratch))]
        chosen = _begun(members, missing, scratch) or missing
        if missing and len(chosen) > 1:
            _fit_stack(chosen, scratch, device)
    for left in scratch.glob(
        f"{STACK}.*"
    ):  # of pieces that have changed since, or of a process that was killed
        rmtree(left)


def bytes_for_stacks(device: torch.device) -> int:
    """Bytes that a stack may take on a device; none on a CPU, where a stack is no faster (docs/performance.md)."""
    return int(SHARE_OF_MEMORY * torch.cuda.mem_get_info(device)[1]) if device.type == "cuda" else 0


Member = tuple[Piece, PixelCNNPP]


def stacks_of(candidates: Sequence[Member], most: int) -> list[list[Member]]:
    """Lists of at least two candidates of one architecture and recipe, in their order, each of at most `most` bytes."""
    alike: dict[object, list[list[Member]]] = {}
    for piece, decoder in candidates:
        if bytes_of_member(piece, decoder) > most:
            continue
        of_kind = alike.setdefault((architecture_of(decoder), piece.fit, len(piece.pairs)), [[]])
        if sum(bytes_of_member(*member) for member in [*of_kind[-1], (piece, decoder)]) > most:
            of_kind.append([])
        of_kind[-1].append((piece, decoder))
    return [members for of_kind in alike.values() for members in of_kind if len(members) > 1]


def bytes_of_member(piece: Piece, decoder: PixelCNNPP) -> int:
    """Bytes of a member on the device: its fit, and the h of all examples in float32."""
    step = STACKED_STEP[piece.fit.precision == "float32"] * piece.fit.batch_size
    memory = replace(decoder.memory, mixture_in_c=False)
    return _bytes_of_h(piece) + memory.fit(math.ceil(step), BUDGET)


def _bytes_of_h(piece: Piece) -> int:
    return 0 if piece.context is None else 4 * len(piece.pairs) * math.prod(piece.context)


def _is_small(piece: Piece) -> bool:
    kind, decoder_spec = piece.decoder.load()
    return issubclass(kind, PixelCNNPP) and decoder_spec.filters <= MOST_FILTERS


def _fit_stack(members: Sequence[Member], scratch: Path, device: torch.device) -> None:
    """Fit all members; those whose folders are kept already stay as they are."""
    pieces, decoders = [piece for piece, _ in members], [decoder for _, decoder in members]
    names, folders = [piece.name for piece in pieces], _names_of_folders(members, scratch)
    state = scratch / f"{STACK}.{digest_of(folders)}"
    state.mkdir(parents=True, exist_ok=True)
    write_json(state / MEMBERS, folders)
    fits = fit_side_by_side(
        decoders,
        _stacked_pairs(pieces, device),
        pieces[0].fit,
        [piece.fit.seed for piece in pieces],
        device=device,
        state_path=state / "state.pt",
        label=f"{len(pieces)} side by side: {', '.join(names)}",
    )
    for piece, decoder, fitted in zip(pieces, decoders, fits, strict=True):
        folder = _folder(piece, scratch)
        if not is_kept(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _write(decoder, fitted, folder, side_by_side=names)


def _begun(members: Sequence[Member], missing: Sequence[Member], scratch: Path) -> list[Member]:
    """The members of a stack that a killed process had begun, perhaps to write, where it holds all that are missing."""
    wanted = set(_names_of_folders(missing, scratch))
    for path in scratch.glob(f"{STACK}.*/{MEMBERS}"):
        begun = set(read_json(path))
        found = [member for member in members if _names_of_folders([member], scratch)[0] in begun]
        if wanted <= begun and len(found) == len(begun):
            return found
    return []


def _names_of_folders(members: Sequence[Member], scratch: Path) -> list[str]:
    return [_folder(piece, scratch).name for piece, _ in members]


def _stacked_pairs(pieces: Sequence[Piece], device: torch.device) -> StackedPairs:
    """The pairs of all pieces in memory on the device."""
    target, first = _all_pairs(pieces[0].pairs, device)
    h = [first]
    for piece in pieces[1:]:
        other, own = _all_pairs(piece.pairs, device)
        if not torch.equal(target, other):
            raise ValueError(f"{pieces[0].name} and {piece.name} do not predict the same examples")
        h.append(own)
    return StackedPairs(target, tuple(one for one in h if one is not None) or None, len(pieces))


def _all_pairs(pairs: Pairs, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """All targets and h, on the device."""
    target: Tensor | None = None
    h: Tensor | None = None
    for rows in np.array_split(np.arange(len(pairs)), -(-len(pairs) // ROWS_AT_ONCE)):
        some, of_some = pairs.batch(rows)
        if target is None:
            target = torch.empty(len(pairs), *some.shape[1:], dtype=some.dtype, device=device)
            h = (
                None
                if of_some is None
                else target.new_empty(len(pairs), *of_some.shape[1:], dtype=of_some.dtype)
            )
        target[rows[0] : rows[-1] + 1] = some
        if h is not None and of_some is not None:
            h[rows[0] : rows[-1] + 1] = of_some
    assert target is not None, "a fit has pairs"
    return target, h


def assemble(out: Path, fits: Mapping[tuple[Target, str], Path], job: Job, facts: Mapping[str, Any]) -> None:
    """Write the fitted decoders, by target and tap, into the folder `out` atomically; only the first process writes."""
    ranks = Ranks.current()
    if not ranks.first:
        return
    with replacing_folder(out) as folder:
        for address, fitted in fits.items():
            link(fitted / "decoder.safetensors", weights_path(folder, *address))
            link(fitted / "history.csv", history_path(folder, *address))
        records = {decoder_name(*address): read_json(fitted / "fit.json") for address, fitted in fits.items()}
        write_json(fits_path(folder), records)
        job.record(folder, processes=ranks.count, **facts)


def pretrained_path(pretrained: list[Path]) -> Path | None:
    """The weights of the pretrained decoder, where there is one."""
    return weights_path(pretrained[0], "image") if pretrained else None


def image_target(header: Header) -> ImageTarget:
    """Shape and levels of the images that a decoder of this data set predicts."""
    return ImageTarget(
        channels=header.channels, height=header.height, width=header.width, levels=header.levels
    )


def _folder(piece: Piece, scratch: Path) -> Path:
    return scratch / f"{piece.name}.{piece.key}"


def _fit(piece: Piece, folder: Path, device: torch.device) -> None:
    decoder = _built(piece)
    folder.mkdir(parents=True, exist_ok=True)
    fitted = fit(
        decoder, piece.pairs, piece.fit, device=device, state_path=folder / "state.pt", label=piece.name
    )
    if Ranks.current().first:
        _write(decoder, fitted, folder)


def _built(piece: Piece) -> Any:
    """The decoder of a piece before its fit."""
    decoder_class, decoder_spec = piece.decoder.load()
    torch.manual_seed(piece.fit.seed)
    decoder = decoder_class(decoder_spec, piece.target, piece.context)
    if piece.start is not None:
        decoder.start_from(load_decoder(piece.start))
    return decoder


def _write(decoder: Decoder, fitted: Fit, folder: Path, side_by_side: Sequence[str] = ()) -> None:
    """Write and mark a fit; `side_by_side` names the members of its stack."""
    write_rows(folder / "history.csv", HistoryRow, fitted.history)
    record = {name: value for name, value in fitted.as_dict().items() if name != "history"}
    record["side_by_side"] = list(side_by_side)
    save_decoder(decoder, folder / "decoder.safetensors")
    write_json(folder / "fit.json", record)
    keep(folder, "decoder.safetensors", "history.csv", "fit.json")
    (folder / "state.pt").unlink(missing_ok=True)
