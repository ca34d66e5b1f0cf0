"""A card for engines that are not ours: plain Python, SQL, PMML."""
