"""Servers that describe images over OpenAI's chat completions."""
