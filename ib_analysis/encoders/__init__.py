"""The networks under study, with named taps."""
