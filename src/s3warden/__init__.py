"""s3warden guards every S3 bucket of an AWS organisation."""
