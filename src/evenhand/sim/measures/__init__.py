"""What a run is measured by: figures of a record, all of them in numpy."""
