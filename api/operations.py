"""The tables of schema `ops` that belong to people and their programs: decisions and tokens."""

from __future__ import annotations

from lakehouse.warehouse import Role, Warehouse

# A decision is never changed: the rights leave it out, the trigger refuses it even to the owner.
# The first decision on a subject stands alone (decisions_first), each later one takes the place of exactly one before
# it (supersedes is unique), of the same kind and subject (the composite foreign key): a chain without branches.
TABLES = """
create table if not exists ops.decisions (
    sequence bigint generated always as identity unique,
    decision_id uuid primary key,
    kind text not null,
    subject text not null check (subject <> ''),
    verdict text not null,
    reason text not null check (reason <> ''),
    decided_by text not null check (decided_by <> ''),
    decided_at timestamptz not null,
    recorded_by text not null,
    supersedes uuid unique,
    check (supersedes <> decision_id),
    unique (decision_id, kind, subject),
    foreign key (supersedes, kind, subject) references ops.decisions (decision_id, kind, subject)
);
create unique index if not exists decisions_first on ops.decisions (kind, subject) where supersedes is null;
create index if not exists decisions_by_subject on ops.decisions (subject, kind, sequence);
comment on table ops.decisions is
    'One row per decision of a person; append-only. 每行一项人工决定，只追加，不修改。';

create or replace function ops.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only: record a new row that supersedes the old one.', tg_table_schema, tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;
create or replace trigger decisions_are_append_only before update or delete or truncate on ops.decisions
    for each statement execute function ops.refuse_change();

create table if not exists ops.api_tokens (
    token_id text primary key,
    name text not null,
    scopes text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    key_id text not null,
    digest bytea not null
);
comment on table ops.api_tokens is
    'One row per bearer token; the secret is kept as HMAC-SM3 only. 每行一个访问令牌，只保存 HMAC-SM3 摘要。';

revoke all on ops.decisions, ops.api_tokens from park_api;
grant select, insert on ops.decisions to park_api;
grant select on ops.api_tokens to park_api;
-- dbt reads decisions as one more source; digests of tokens are none of its business.
revoke all on ops.api_tokens from park_builder;
"""


def prepare_operations(warehouse: Warehouse) -> None:
    """Create what is missing of the API's tables and set their rights; run after `Warehouse.prepare` at every start."""
    with warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute(TABLES)
