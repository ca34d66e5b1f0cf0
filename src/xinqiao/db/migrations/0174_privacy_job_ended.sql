-- A node looks at jobs that may still run and at those that ended shortly before, twice a second.
CREATE INDEX privacy_job_ended ON privacy_job (institution_id, ended_at);
