"""Whose figures somebody may see: those of a node of the share tree with all beneath it."""

from evenhand.model import TenantPath


def is_beneath(path: TenantPath, node: TenantPath) -> bool:
    """Whether `path` is that node, or lies beneath it; everything lies beneath the root, ()."""
    return path[: len(node)] == node
