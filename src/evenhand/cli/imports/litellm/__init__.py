"""From LiteLLM's proxy: its configuration file, and exports of its keys and teams.

Read from LiteLLM's documentation; nothing of its code is here.
"""
