"""Errors of decoders; every message is one sentence that says what to do."""


class DecoderError(ValueError):
    """A mistake outside the program; the message is one sentence that names the thing and what to do."""


class ContextError(DecoderError):
    """h does not have the shape that the decoder was built for."""


class FitError(DecoderError):
    """A fit cannot start, or its loss is not finite."""


class PartnerError(FitError):
    """Another of the processes that fit a decoder together has ended."""


class DecoderFileError(DecoderError):
    """The file of a decoder is truncated or foreign."""
