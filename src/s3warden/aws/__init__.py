"""The only package that imports the AWS SDK: sessions, errors, thin typed calls."""
