"""What can ResNet learn efficiently, going beyond kernels? (Allen-Zhu & Li 2019, arXiv 1905.10337)."""
