"""What survives a restart: findings, their history, and the outbox."""
