"""The rules, a file for each topic, and the one tuple that lists them all."""
