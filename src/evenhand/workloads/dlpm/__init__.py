"""The workloads of the DLPM paper (arXiv 2501.14312): programs of several calls that share prefixes."""
