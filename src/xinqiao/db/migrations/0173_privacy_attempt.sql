-- What a party brought is committed to at each attempt, and what an earlier attempt was given stays known.
ALTER TABLE privacy_input ADD COLUMN attempt int NOT NULL DEFAULT 1 CHECK (attempt > 0);
UPDATE privacy_input i SET attempt = greatest(j.attempts, 1) FROM privacy_job j
  WHERE j.institution_id = i.institution_id AND j.id = i.job_id;
ALTER TABLE privacy_input DROP CONSTRAINT privacy_input_pkey, ADD PRIMARY KEY (institution_id, job_id, attempt);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON privacy_input FOR EACH ROW EXECUTE FUNCTION xq_append_only();
