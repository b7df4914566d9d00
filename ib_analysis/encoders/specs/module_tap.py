"""The name of a place in a network where h is read: a module, one of its calls, its input or its output, an item."""

import re
from typing import NamedTuple, Self

GRAMMAR = re.compile(
    r"(?P<module>[^:@\[\]]+)(?:@(?P<call>[1-9]\d*))?(?P<input>:input)?(?P<items>(?:\[[^\[\]]+\])*)"
)


class ModuleTap(NamedTuple):
    """A parsed name.

    >>> ModuleTap.parse("block.relu@2")
    ModuleTap(module='block.relu', call=2, of_input=False, items=())
    >>> ModuleTap.parse("fc:input").of_input, ModuleTap.parse("attention[0]").items
    (True, ('0',))
    """

    module: str
    call: int | None = None
    """Number of the call from 1 on; None: the only one."""
    of_input: bool = False
    items: tuple[str, ...] = ()
    """Indices into tuples and keys of mappings, the outermost first."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The parts of a name.

        Raises:
            ValueError: the text is no name of a tap.
        """
        found = GRAMMAR.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text!r} is no name of a tap: write a module as in `layer1`, its second call as `layer1@2`, its "
                "input as `layer1:input`, an item of a tuple or a mapping as `layer1[0]` or `layer1[key]`"
            )
        call = found["call"]
        items = tuple(re.findall(r"\[([^\[\]]+)\]", found["items"]))
        return cls(found["module"], int(call) if call else None, found["input"] is not None, items)
