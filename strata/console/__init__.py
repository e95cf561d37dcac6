"""Events to text, for people and for programs. Knows events, and nothing of how they came about."""
