"""`evenhand compare`: what changed between two files of figures that `evenhand simulate` wrote."""
