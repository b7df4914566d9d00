"""Why shortcuts skip two layers: the Hessian at the initial point and during training (Li et al. 2016)."""
