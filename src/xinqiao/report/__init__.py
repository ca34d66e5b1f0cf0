"""Pages people read: run summary, company explanation, model card."""
