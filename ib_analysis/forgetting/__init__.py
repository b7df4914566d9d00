"""What samples of p(x | h) no longer share with the image that h belongs to."""
