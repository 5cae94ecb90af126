"""Runs told to people: in words, and on a page that needs nothing but a browser."""
