"""Where requests to look again come from: queues and the timetable."""
