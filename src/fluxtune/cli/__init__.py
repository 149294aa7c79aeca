"""The command line. It works over the same HTTP API as the browser UI, and starts a studio for itself if none runs."""
