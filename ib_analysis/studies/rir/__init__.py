"""Resnet in Resnet (Targ, Almeida & Lyman 2016, arXiv:1603.08029): two streams in one convolution."""
