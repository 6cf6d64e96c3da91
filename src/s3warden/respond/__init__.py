"""Who is told: routing, delivery, notifiers."""
