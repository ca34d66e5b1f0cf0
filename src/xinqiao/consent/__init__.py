"""Who may read what about whom, why and until when: grants, revocation, query log, objections."""
