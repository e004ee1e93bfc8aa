"""The processes of the platform: one foreground supervisor, its children, their readiness and their end."""
