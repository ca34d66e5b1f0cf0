-- Who a transaction is for, as Database.transaction tells it; null where not told.
CREATE FUNCTION xq_side() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT coalesce(nullif(current_setting('xinqiao.side', true), ''), 'none') $$;
CREATE FUNCTION xq_institution() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT nullif(current_setting('xinqiao.institution', true), '')::uuid $$;
CREATE FUNCTION xq_company() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT nullif(current_setting('xinqiao.company', true), '') $$;
CREATE FUNCTION xq_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT nullif(current_setting('xinqiao.person', true), '')::uuid $$;

-- A table that is only ever added to: put this trigger on it.
CREATE FUNCTION xq_append_only() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME USING ERRCODE = 'XQ001'; END $$;

-- The product's role works on tables but owns none, so it can't switch row-level security off.
GRANT USAGE ON SCHEMA public TO xinqiao_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO xinqiao_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO xinqiao_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO xinqiao_app;
REVOKE INSERT, UPDATE, DELETE ON migration FROM xinqiao_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO xinqiao_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO xinqiao_app;
