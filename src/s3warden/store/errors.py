"""What can go wrong with the store. Every text here is for the operator and names no password."""


class StoreError(Exception):
    """The store could not do what was asked; nothing of it is stored."""


class StoreAddressError(StoreError):
    """The URL is of no use: unknown kind, missing or unwritable directory, no such database, refused login."""


class StoreInUseError(StoreError):
    """Another daemon works on the same store."""


class StoreVersionError(StoreError):
    """The store was written by a newer version of s3warden."""


class StoreUnavailableError(StoreError):
    """The database did not answer, or was locked, for longer than we are ready to wait. It may pass."""
