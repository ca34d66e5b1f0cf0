"""Groups, encryption and hashing that know no parties: ristretto255, ElGamal, Paillier, OPRF, noise."""
