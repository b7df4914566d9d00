"""Numbers as text: bits, a value with its standard error, a p-value."""

import math


def bits_text(bits: float) -> str:
    """A number of bits with at most two decimals, fewer for large values.

    >>> [bits_text(v) for v in (3.32193, 84.553, 9213.4, -0.0001)]
    ['3.32', '84.6', '9,213', '0.00']
    """
    digits = 2 if abs(bits) < 10 else 1 if abs(bits) < 1000 else 0
    text = f"{bits:,.{digits}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def measured_text(bits: float, stderr_bits: float | None) -> str:
    """A value with its standard error, both rounded to two digits of the error and at most three decimals.

    >>> measured_text(13.074, 1.042), measured_text(7862.4, 74.2), measured_text(2.0, 0)
    ('13.1 ± 1.0', '7,862 ± 74', '2.00')
    """
    if not stderr_bits:
        return bits_text(bits)
    digits = min(3, max(0, 1 - math.floor(math.log10(stderr_bits))))
    return f"{bits:,.{digits}f} ± {stderr_bits:,.{digits}f}"


def p_text(p_value: float) -> str:
    """A p-value to two digits, or that it is below 0.0001.

    >>> p_text(0.0314), p_text(3e-9), p_text(1.0)
    ('0.031', '< 0.0001', '1.0')
    """
    return "< 0.0001" if p_value < 1e-4 else f"{p_value:.2g}" if p_value < 0.995 else "1.0"
