"""The settings: one tree of frozen sections, read from a TOML file and the environment, checked as a whole.

Takes no stage's types but names of severities, categories and places of secrets; the composition root hands each part
its own plain values. Nothing below imports this package.
"""

from s3warden.settings.environment import CONFIG, REVISION
from s3warden.settings.load import Complaint, Loaded, SettingsError, load
from s3warden.settings.sections import Settings

__all__ = ["CONFIG", "REVISION", "Complaint", "Loaded", "Settings", "SettingsError", "load"]
