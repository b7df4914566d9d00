"""Pareto-optimal quantized ResNet is mostly 4-bit (Abdolrashidi et al. 2021), at a feasible scale."""
