"""What the studio measures about itself."""
