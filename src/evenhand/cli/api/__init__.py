"""The admin API: JSON pages under `/api/v1` by which operators look and change.

Lives here: the pages, what they take and give as pydantic models, the OpenAPI document of all pages.
May import: `cli.live`, the configuration, `gateway.admin`; pydantic and Starlette.
Promises: every change goes through `LiveConfiguration`, is audited, and can be tried with
`?dry_run=true`; every refusal says what to do; no answer holds a secret but that of a key just made.
"""
