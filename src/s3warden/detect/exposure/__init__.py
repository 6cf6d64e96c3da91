"""Who can reach a bucket, with proof."""
