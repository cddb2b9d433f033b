"""A database of two servers, of which one dies, vanishes or is behind, under load."""
