"""Accepted risks: who may stay as it is, for how long, and what was approved. Pure."""
