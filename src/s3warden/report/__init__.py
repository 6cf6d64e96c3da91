"""Reports: what a scan found, counted and told in many forms."""
