"""The figure of each study, in the layout of its paper."""
