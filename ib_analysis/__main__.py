"""python -m ib_analysis STAGE --spec JSON --NAME PATH ...: the one command line, a stage at a time.

python -m ib_analysis taps my_nets:resnet18 --shape 3x32x32 lists where h can be read in a network of one's own.
python -m ib_analysis compare results/a results/b writes one page with both planes and their differences.
"""

import gc
import inspect
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, get_origin

from pydantic import ValidationError

from decoders.errors import DecoderError, PartnerError
from decoders.training.disk import DiskError
from decoders.training.failures import explain_failures
from ib_analysis import processes, stages
from ib_analysis.artefacts import verified_inputs
from ib_analysis.errors import UserError
from ib_analysis.free_gpu import hold_free_gpu
from ib_analysis.mistakes import mistakes
from ib_analysis.provenance import Job, stage_digest
from ib_analysis.surroundings import CLOSED_PIPE, drop_output, in_one_line, settle_surroundings

COMMANDS = {"taps": "ib_analysis.list_taps", "compare": "ib_analysis.compare_results"}
"""What is no stage, and its module."""


def main(arguments: list[str] | None = None) -> int:
    """Run one stage, list taps or compare results; a user's mistake ends with one sentence and exit code 1."""
    settle_surroundings()
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(arguments)
    except BrokenPipeError:
        drop_output()
        return CLOSED_PIPE


def _run(arguments: list[str]) -> int:
    try:
        if arguments[:1] and arguments[0] in COMMANDS:
            with explain_failures("the page"):
                import_module(COMMANDS[arguments[0]]).main(arguments[1:])
            return 0
        stage, rest = _stage(arguments)
        with explain_failures("the libraries"):
            module = _imported(f"ib_analysis.stages.{stage}")
        options = _parser(stage, module).parse_args(rest)
        if _starts_several(stage, module, options):
            return _start(options.processes, arguments)
        if processes.count() == 1:
            hold_free_gpu(options.device)
        spec = json.loads(options.spec)
        code = _code(stage, spec, options.code)
        with explain_failures("the results"):
            paths = _paths(module, options)
            job = Job(stage, spec, code, options.device, options.threads, verified_inputs(module.run, paths))
            module.run(module.Spec(**spec), job, **paths)
        sys.stdout.flush()
    except PartnerError as error:
        # Where `--processes` started this one, the process that did knows which one ended, and says it.
        return processes.PARTNER_LOST if "--processes" in arguments else _fail(str(error))
    except (UserError, DecoderError, DiskError) as error:
        return _fail(str(error))
    except ValidationError as error:
        return _fail(f"--spec: {mistakes(error, spec)}.")
    except json.JSONDecodeError as error:
        return _fail(f"--spec is not valid JSON: {error}.")
    return 0


def _imported(module: str) -> ModuleType:
    """Import a module and all that it needs; searches for garbage would find none and take a tenth of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return import_module(module)
    finally:
        if collects:
            gc.enable()


def _stage(arguments: list[str]) -> tuple[str, list[str]]:
    names = sorted(module.name for module in iter_modules(stages.__path__))
    if not arguments or arguments[0] not in names:
        raise UserError(
            f"Usage: python -m ib_analysis STAGE --spec JSON ..., where STAGE is one of {', '.join(names)}; or "
            "python -m ib_analysis taps MODULE:NAME --shape 3x32x32, or python -m ib_analysis compare FOLDER FOLDER."
        )
    return arguments[0], arguments[1:]


def _starts_several(stage: str, module: ModuleType, options: Namespace) -> bool:
    """Whether this process only starts others and waits for them."""
    if not _is_data_parallel(module):
        if processes.count() > 1:
            raise UserError(f"{stage} runs in one process: start it with python instead of torchrun.")
        return False
    if options.processes < 1:
        raise UserError(f"--processes is {options.processes}: it must be at least 1.")
    return options.processes > 1 and processes.count() == 1


def _start(count: int, arguments: list[str]) -> int:
    code, sentence = processes.start(count, arguments)
    if sentence:
        _fail(sentence)
    return code


def _is_data_parallel(module: ModuleType) -> bool:
    return getattr(module, "DATA_PARALLEL", False)


def _code(stage: str, spec: Mapping[str, Any], expected: str | None) -> str:
    """The digest of the code that runs now; a result must not be kept under the digest of another."""
    digest = stage_digest(stage, spec)
    if expected not in (None, digest):
        raise UserError(
            f"The code of {stage} changed after the workflow was started: run the same command again."
        )
    return digest


def _parser(stage: str, module: ModuleType) -> ArgumentParser:
    parser = ArgumentParser(prog=f"python -m ib_analysis {stage}", description=module.__doc__)
    parser.add_argument("--spec", default="{}", help="the stage's slice of the experiment, as JSON")
    parser.add_argument("--code", help="digest of the stage's code, as computed by the workflow")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    if _is_data_parallel(module):
        parser.add_argument("--processes", type=int, default=1, help="that share the work, one a GPU")
    for name, kind, required in _path_parameters(module):
        parser.add_argument(f"--{name}", type=Path, required=required, nargs="*" if _is_list(kind) else None)
    return parser


def _path_parameters(module: ModuleType) -> list[tuple[str, Any, bool]]:
    parameters = inspect.signature(module.run).parameters.values()
    return [
        (p.name, p.annotation, p.default is inspect.Parameter.empty)
        for p in parameters
        if p.kind is p.KEYWORD_ONLY
    ]


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _paths(module: ModuleType, options: Namespace) -> Mapping[str, Any]:
    return {name: getattr(options, name) for name, _, _ in _path_parameters(module)}


def _fail(sentence: str) -> int:
    if processes.is_first_to_say():
        print(f"ib-analysis: {in_one_line(sentence)}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
