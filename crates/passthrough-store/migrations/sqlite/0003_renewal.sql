-- The same tables as migrations/postgres/0003_renewal.sql; only the types differ.
-- What credentials that renew themselves need, and the linking of accounts. Times are unix milliseconds.
-- Once landed this file is never edited; a change is a new file.

-- A lease says who is refreshing, and that it may have been asked of the provider: the commit of the lease comes
-- before the call. One of another generation than the credential's says nothing. `lease_abandoned` is 1 where a lease
-- of this generation has run out unended: the provider may have answered somebody who is gone.
alter table credentials add column lease_owner        text;
alter table credentials add column lease_until        integer;
alter table credentials add column lease_generation   integer;
alter table credentials add column lease_abandoned    integer not null default 0;
alter table credentials add column refresh_failures   integer not null default 0;
alter table credentials add column refresh_not_before integer;
alter table credentials add column refresh_error      text;
alter table credentials add column refreshed_at       integer;
alter table credentials add column refresh_expires_at integer;
alter table credentials add column due_at             integer;
create index credentials_by_due on credentials (due_at) where due_at is not null;

-- A provider may give ids of any length, and index entries of PostgreSQL are bounded.
create index connections_by_account on connections (environment, integration, substr(account_id, 1, 200));

create table integrations (
    environment        text    not null references environments (name),
    key                text    not null,
    provider           text    not null,
    name               text,
    settings           text    not null,
    sealed             blob    not null,
    key_id             text    not null,
    generation         integer not null,
    created_at         integer not null,
    updated_at         integer not null,
    client_rejected_at integer,
    primary key (environment, key)
) strict;
create index integrations_by_key on integrations (key_id);

-- `choices` and `tags` are JSON. `sealed` is what the consent needs when it comes back, from its beginning to its end.
create table link_sessions (
    id            text    not null primary key,
    environment   text    not null references environments (name),
    secret_hash   blob    not null,
    browser_hash  blob,
    choices       text    not null,
    connection_id text,
    external_id   text,
    name          text,
    tags          text    not null,
    redirect_url  text,
    origin        text,
    locale        text,
    status        text    not null check (status in ('open', 'started', 'done', 'failed', 'cancelled')),
    error         text,
    integration   text,
    state_hash    blob,
    sealed        blob,
    key_id        text,
    generation    integer not null,
    created_at    integer not null,
    expires_at    integer not null
) strict;
create unique index link_sessions_by_state on link_sessions (state_hash);
create index link_sessions_by_key on link_sessions (key_id);
create index link_sessions_by_expiry on link_sessions (expires_at);

create table public_tokens (
    id            text    not null primary key,
    environment   text    not null,
    secret_hash   blob    not null,
    connection_id text    not null references connections (id) on delete cascade,
    created_at    integer not null,
    expires_at    integer not null,
    used_at       integer
) strict;
create index public_tokens_by_connection on public_tokens (connection_id);
create index public_tokens_by_expiry on public_tokens (expires_at);

-- Events outlive the connections and integrations that they speak of. `data` is JSON.
create table events (
    id            text    not null primary key,
    environment   text    not null,
    kind          text    not null,
    connection_id text,
    integration   text,
    data          text    not null,
    created_at    integer not null
) strict;
create index events_by_environment on events (environment, id);
create index events_by_kind on events (environment, kind, id);
create index events_by_connection on events (environment, connection_id, id);
create index events_by_time on events (created_at);

-- `kinds` is a JSON array; an empty one means all.
create table webhook_endpoints (
    id          text    not null primary key,
    environment text    not null references environments (name),
    url         text    not null,
    kinds       text    not null,
    sealed      blob    not null,
    key_id      text    not null,
    generation  integer not null,
    enabled     integer not null,
    created_at  integer not null,
    updated_at  integer not null
) strict;
create index webhook_endpoints_by_environment on webhook_endpoints (environment, id);
create index webhook_endpoints_by_key on webhook_endpoints (key_id);

create table webhook_deliveries (
    id              text    not null primary key,
    environment     text    not null,
    endpoint_id     text    not null references webhook_endpoints (id) on delete cascade,
    event_id        text    not null references events (id) on delete cascade,
    status          text    not null check (status in ('pending', 'delivered', 'failed')),
    attempts        integer not null,
    next_attempt_at integer,
    lease_until     integer,
    last_status     integer,
    last_error      text,
    created_at      integer not null,
    delivered_at    integer,
    unique (event_id, endpoint_id)
) strict;
create index webhook_deliveries_by_environment on webhook_deliveries (environment, id);
create index webhook_deliveries_by_endpoint on webhook_deliveries (endpoint_id, id);
create index webhook_deliveries_by_next_attempt on webhook_deliveries (next_attempt_at) where status = 'pending';
