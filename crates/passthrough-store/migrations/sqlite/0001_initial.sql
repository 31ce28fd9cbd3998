-- The same tables as migrations/postgres/0001_initial.sql; only the types differ.
-- Times are unix milliseconds. There are no boolean columns: the driver cannot read SQLite's.
-- Once landed this file is never edited; a change is a new file.

create table environments (
    name       text    not null primary key,
    created_at integer not null
) strict;

-- Secrets of the installation itself, sealed: the pepper of token hashes.
create table installation_secrets (
    name       text    not null primary key,
    sealed     blob    not null,
    key_id     text    not null,
    generation integer not null
) strict;
create index installation_secrets_by_key on installation_secrets (key_id);

create table api_keys (
    id           text    not null primary key,
    environment  text    not null references environments (name),
    name         text    not null,
    secret_hash  blob    not null,
    created_at   integer not null,
    expires_at   integer,
    revoked_at   integer,
    last_used_at integer
) strict;
create index api_keys_by_environment on api_keys (environment, id);

create table connections (
    id                   text    not null primary key,
    environment          text    not null references environments (name),
    provider             text    not null,
    integration          text    not null,
    auth                 text    not null,
    status               text    not null check (status in ('connected', 'disconnected', 'archived')),
    name                 text,
    external_id          text,
    account_id           text,
    account_label        text,
    created_at           integer not null,
    updated_at           integer not null,
    verified_at          integer,
    token_hash           blob    not null,
    sealed_variables     blob    not null,
    variables_key_id     text    not null,
    variables_generation integer not null
) strict;
create index connections_by_environment on connections (environment, id);
create index connections_by_provider on connections (environment, provider, id);
create index connections_by_status on connections (environment, status, id);
create index connections_by_external_id on connections (environment, external_id, id);
create index connections_by_variables_key on connections (variables_key_id);

create table connection_tags (
    connection_id text    not null references connections (id) on delete cascade,
    environment   text    not null,
    tag           text    not null,
    position      integer not null,
    primary key (connection_id, tag)
) strict, without rowid;
create index connection_tags_by_tag on connection_tags (environment, tag, connection_id);

create table credentials (
    connection_id text    not null primary key references connections (id) on delete cascade,
    environment   text    not null,
    generation    integer not null,
    sealed        blob    not null,
    key_id        text    not null,
    expires_at    integer
) strict;
create index credentials_by_key on credentials (key_id);

-- Records outlive the connections and keys that they speak of, so nothing here is a foreign key.
create table requests (
    id                   text    not null primary key,
    environment          text    not null,
    connection_id        text,
    api_key_id           text,
    provider             text,
    door                 text    not null,
    method               text    not null,
    path                 text    not null,
    status_code          integer,
    error_code           text,
    origin               text,
    sent                 text,
    attempts             integer not null,
    started_at           integer not null,
    duration_ms          integer not null,
    upstream_duration_ms integer,
    request_bytes        integer not null,
    response_bytes       integer not null
) strict;
create index requests_by_environment on requests (environment, id);
create index requests_by_connection on requests (environment, connection_id, id);
create index requests_by_provider on requests (environment, provider, id);
create index requests_by_start on requests (started_at);

-- What changed, in the order of the commits: other processes read it to drop what they hold in memory.
create table changes (
    seq        integer not null primary key autoincrement,
    kind       text    not null,
    subject_id text    not null,
    at         integer not null
) strict;
create index changes_by_time on changes (at);
