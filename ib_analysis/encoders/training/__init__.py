"""Training of an encoder: batches, augmentation, objective, steps and the training curve."""
