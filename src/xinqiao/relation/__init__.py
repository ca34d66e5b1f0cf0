"""The property graph of firms and people: control, guarantees, rings, contagion, leads."""
