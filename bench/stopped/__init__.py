"""An engine that is stopped in the middle of its work and continued later, beside one that is well: how
soon the gateway finds out, how long anybody waits, how soon the engine has work again."""
