"""What can go wrong with a decoder, each as one sentence that says what to do."""


class DecoderError(ValueError):
    """A mistake outside the program; the message is one sentence that names the thing and what to do."""


class ContextError(DecoderError):
    """h has not the shape that the decoder was built for."""


class FitError(DecoderError):
    """A fit cannot start, or has left the finite numbers."""


class PartnerError(FitError):
    """Another of the processes that fit a decoder together has ended."""


class DecoderFileError(DecoderError):
    """A decoder's file is truncated, foreign, or cannot be written."""
