"""The figure of each study, laid out like its paper's."""
