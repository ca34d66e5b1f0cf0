"""What parties agreed to: identities, rules, consents, budgets, jobs and their proofs."""
