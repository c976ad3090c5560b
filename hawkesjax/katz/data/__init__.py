"""Activity, messages, the network and the users."""
