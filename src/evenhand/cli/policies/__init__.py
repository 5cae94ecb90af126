"""`evenhand policies`: what there is to choose from, and what each of it promises."""
