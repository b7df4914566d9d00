"""Speed and memory as ratios in one run; never in a timed test, for machines are shared and noisy."""
