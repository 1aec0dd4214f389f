"""Access: who asks, and what may reach the routes."""
