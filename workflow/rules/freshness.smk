"""What lies on the disk is compared with what is asked for, whatever Snakemake remembers. Included last."""

from ib_analysis.freshness import Asked, why_stale

SHOWN = 10
said = set()


def compared(made):
    """An input function that adds no input: it has those outputs of the rule made again that are not as asked."""
    comparing = []

    def compare(wildcards):
        if comparing:  # the expansion below calls this function once more
            return []
        values = dict(wildcards.items())
        there = [
            path for path in map(Path, made.expand_output(values)[0]) if path.exists()
        ]
        if not there:
            return []
        comparing.append(True)
        inputs = map(str, made.expand_input(values)[0])
        comparing.pop()
        asked = Asked(
            json.loads(made.params.spec(wildcards)),
            made.params.code(wildcards),
            frozenset(path for path in inputs if path.startswith(f"{RESULTS}/")),
        )
        for path in there:
            if reason := why_stale(path, asked):
                make_again(path, reason)
        return []

    return compare


def make_again(path, reason):
    """Have an output made again, as Snakemake does with one that a killed job left; a reason is said once."""
    workflow.dag.forcefiles.add(str(path))
    if reason not in said and len(said) < SHOWN and workflow.is_main_process:
        logger.warning(f"{path} {reason}: it is made again, with all that follows.")
    said.add(reason)


for made in workflow.rules:
    if "spec" in made.params.keys():
        made.set_input(compared(made))
