"""Image sources with one interface, prepared as three disjoint parts."""
