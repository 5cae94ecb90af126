"""`evenhand import`: configurations of other gateways become ours."""
