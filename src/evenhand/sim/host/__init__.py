"""Where the scheduling core sits in a simulation: in a gateway before the engines, or inside one."""
