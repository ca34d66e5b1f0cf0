"""A party's node: its process, its lines to peers, its workers."""
