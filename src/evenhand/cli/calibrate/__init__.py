"""`evenhand calibrate`: a profile made to fit the log of an engine."""
