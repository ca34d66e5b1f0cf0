"""The append-only transparency log of what was granted, read, decided and signed; proofs and witnesses."""
