"""Classes of service. A lane decides when, the order between tenants decides who. Rule: lanes.md."""
