-- The same tables as migrations/sqlite/0003_renewal.sql; only the types differ.
-- What credentials that renew themselves need, and the linking of accounts. Times are unix milliseconds.
-- Once landed this file is never edited; a change is a new file.

-- A lease says who is refreshing, and that it may have been asked of the provider: the commit of the lease comes
-- before the call. One of another generation than the credential's says nothing. `lease_abandoned` is 1 where a lease
-- of this generation has run out unended: the provider may have answered somebody who is gone.
alter table credentials add column lease_owner        text collate "C";
alter table credentials add column lease_until        bigint;
alter table credentials add column lease_generation   bigint;
alter table credentials add column lease_abandoned    bigint           not null default 0;
alter table credentials add column refresh_failures   bigint           not null default 0;
alter table credentials add column refresh_not_before bigint;
alter table credentials add column refresh_error      text;
alter table credentials add column refreshed_at       bigint;
alter table credentials add column refresh_expires_at bigint;
alter table credentials add column due_at             bigint;
create index credentials_by_due on credentials (due_at) where due_at is not null;

-- A provider may give ids of any length, and index entries of PostgreSQL are bounded.
create index connections_by_account on connections (environment, integration, substr(account_id, 1, 200));

create table integrations (
    environment        text collate "C" not null references environments (name),
    key                text collate "C" not null,
    provider           text collate "C" not null,
    name               text,
    settings           text             not null,
    sealed             bytea            not null,
    key_id             text collate "C" not null,
    generation         bigint           not null,
    created_at         bigint           not null,
    updated_at         bigint           not null,
    client_rejected_at bigint,
    primary key (environment, key)
);
create index integrations_by_key on integrations (key_id);

-- `choices` and `tags` are JSON. `sealed` is what the consent needs when it comes back, from its beginning to its end.
create table link_sessions (
    id            text collate "C" not null primary key,
    environment   text collate "C" not null references environments (name),
    secret_hash   bytea            not null,
    browser_hash  bytea,
    choices       text             not null,
    connection_id text collate "C",
    external_id   text collate "C",
    name          text,
    tags          text             not null,
    redirect_url  text,
    origin        text,
    locale        text,
    status        text collate "C" not null check (status in ('open', 'started', 'done', 'failed', 'cancelled')),
    error         text,
    integration   text collate "C",
    state_hash    bytea,
    sealed        bytea,
    key_id        text collate "C",
    generation    bigint           not null,
    created_at    bigint           not null,
    expires_at    bigint           not null
);
create unique index link_sessions_by_state on link_sessions (state_hash);
create index link_sessions_by_key on link_sessions (key_id);
create index link_sessions_by_expiry on link_sessions (expires_at);

create table public_tokens (
    id            text collate "C" not null primary key,
    environment   text collate "C" not null,
    secret_hash   bytea            not null,
    connection_id text collate "C" not null references connections (id) on delete cascade,
    created_at    bigint           not null,
    expires_at    bigint           not null,
    used_at       bigint
);
create index public_tokens_by_connection on public_tokens (connection_id);
create index public_tokens_by_expiry on public_tokens (expires_at);

-- Events outlive the connections and integrations that they speak of. `data` is JSON.
create table events (
    id            text collate "C" not null primary key,
    environment   text collate "C" not null,
    kind          text collate "C" not null,
    connection_id text collate "C",
    integration   text collate "C",
    data          text             not null,
    created_at    bigint           not null
);
create index events_by_environment on events (environment, id);
create index events_by_kind on events (environment, kind, id);
create index events_by_connection on events (environment, connection_id, id);
create index events_by_time on events (created_at);

-- `kinds` is a JSON array; an empty one means all.
create table webhook_endpoints (
    id          text collate "C" not null primary key,
    environment text collate "C" not null references environments (name),
    url         text             not null,
    kinds       text             not null,
    sealed      bytea            not null,
    key_id      text collate "C" not null,
    generation  bigint           not null,
    enabled     bigint           not null,
    created_at  bigint           not null,
    updated_at  bigint           not null
);
create index webhook_endpoints_by_environment on webhook_endpoints (environment, id);
create index webhook_endpoints_by_key on webhook_endpoints (key_id);

create table webhook_deliveries (
    id              text collate "C" not null primary key,
    environment     text collate "C" not null,
    endpoint_id     text collate "C" not null references webhook_endpoints (id) on delete cascade,
    event_id        text collate "C" not null references events (id) on delete cascade,
    status          text collate "C" not null check (status in ('pending', 'delivered', 'failed')),
    attempts        bigint           not null,
    next_attempt_at bigint,
    lease_until     bigint,
    last_status     bigint,
    last_error      text,
    created_at      bigint           not null,
    delivered_at    bigint,
    unique (event_id, endpoint_id)
);
create index webhook_deliveries_by_environment on webhook_deliveries (environment, id);
create index webhook_deliveries_by_endpoint on webhook_deliveries (endpoint_id, id);
create index webhook_deliveries_by_next_attempt on webhook_deliveries (next_attempt_at) where status = 'pending';
