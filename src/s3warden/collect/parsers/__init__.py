"""One parser for each kind of event; each takes a decoded envelope and knows nothing of the others."""
