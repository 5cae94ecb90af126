"""The multi-tenant mix: chats, batch jobs and coding agents. Synthetic; its figures were measured."""
