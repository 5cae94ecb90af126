"""`evenhand top`: who gets what, live in the terminal."""
