"""Posts on social networks and on the blog."""
