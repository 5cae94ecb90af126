"""`evenhand profiles`: the engines that can be simulated, and what is known of them."""
