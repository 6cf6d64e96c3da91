"""One notifier for each kind of destination."""
