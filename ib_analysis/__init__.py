"""ib-analysis: an information-bottleneck laboratory for residual networks."""
