"""What holds for every ring of tests."""

from hypothesis import settings

# A deadline is a test of the machine: how busy it is decides.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
