"""What is wrong, and what changed: pure, without I/O, clock or asyncio."""
