"""An engine like S-LoRA: prefills run apart, answers' lengths are known when room is given."""
