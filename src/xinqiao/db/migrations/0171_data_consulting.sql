-- A bank's search for outside data (数据咨询): what it needs, whose data may answer, and what came of it.
CREATE TABLE data_project (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  need text NOT NULL CHECK (length(need) BETWEEN 2 AND 200),
  purpose text NOT NULL,
  contracts text[] NOT NULL CHECK (cardinality(contracts) > 0),  -- kinds of record of the catalogue
  peer text NOT NULL,                    -- the holder's node, by its name
  stage text NOT NULL CHECK (stage IN ('need', 'coverage', 'value', 'contract', 'deployed', 'closed')),
  made_at timestamptz NOT NULL
);
CREATE INDEX data_project_of ON data_project (institution_id, made_at);

-- What happened, in order; a step that is a computation names its job.
CREATE TABLE data_project_step (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES data_project,
  institution_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('need', 'coverage', 'value', 'contract', 'deployed', 'closed')),
  job_id uuid,
  told jsonb NOT NULL DEFAULT '{}',
  by_name text NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX data_project_step_of ON data_project_step (project_id, at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON data_project_step FOR EACH ROW EXECUTE FUNCTION xq_append_only();

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['data_project', 'data_project_step'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own ON %I USING (xq_side() = ''system'' OR '
      '(xq_side() IN (''bank'', ''guarantee'') AND institution_id = xq_institution())) '
      'WITH CHECK (xq_side() = ''system'' OR '
      '(xq_side() IN (''bank'', ''guarantee'') AND institution_id = xq_institution()))', name);
  END LOOP;
END $$;
REVOKE DELETE, TRUNCATE ON data_project, data_project_step FROM xinqiao_app;
