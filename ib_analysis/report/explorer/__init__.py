"""The explorer: the planes of a report, linked to the images drawn at the point that the reader touches."""
