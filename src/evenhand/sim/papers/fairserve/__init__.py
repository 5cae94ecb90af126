"""FairServe (arXiv 2411.15997): throttling by overload and interaction, weighted service counter."""
