"""Logs of real engines: what was asked, and when the answers came."""
