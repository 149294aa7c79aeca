"""Who may use the studio: one-time links, sessions, the studio's own token."""
