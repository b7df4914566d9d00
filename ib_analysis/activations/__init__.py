"""Hidden activations h of the images of one part, paired by row."""
