"""Evenhand: fair shares of one LLM cluster for many tenants, counted in work done."""

__version__ = "0.1.0"
