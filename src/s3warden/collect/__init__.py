"""What happened, and what is true now: from messages and the timetable to states of buckets."""
