"""What comes in by itself: durable before it is answered, many in one transaction."""
