"""A network of the user's own: built, given its weights, verified, and read at the names of its modules."""
