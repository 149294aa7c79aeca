"""Settings changed in the browser, and where each value comes from."""
