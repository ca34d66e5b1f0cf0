"""A joint model's score of a subject, or only its grade."""
