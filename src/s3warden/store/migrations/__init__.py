"""The versions of the schema, and how a database gets from one to the next."""
