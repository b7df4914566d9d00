"""Hidden activations h[i], paired with image i."""
