"""Image sources behind one interface, in three disjoint parts."""
