"""Closes leaks where the operator allows it: plan, guard, apply, verify, undo. Nothing here runs unless asked for."""
