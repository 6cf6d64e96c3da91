"""Rules of one's own: CEL expressions over a typed view of a bucket or an account."""
