"""What holders compute together without handing data over: nodes, intersection, lists, joint models."""
