"""Why shortcuts skip two layers: the Hessian around the initial point, and what training makes of it."""
