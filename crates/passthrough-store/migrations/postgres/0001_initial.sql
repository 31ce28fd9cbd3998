-- The same tables as migrations/sqlite/0001_initial.sql; only the types differ.
-- Times are unix milliseconds. Text that is compared or ordered is collated by bytes ("C"), as in SQLite:
-- a language's collation would order ids differently, and pages would skip rows.
-- Once landed this file is never edited; a change is a new file.

create table environments (
    name       text collate "C" not null primary key,
    created_at bigint           not null
);

-- Secrets of the installation itself, sealed: the pepper of token hashes.
create table installation_secrets (
    name       text collate "C" not null primary key,
    sealed     bytea            not null,
    key_id     text collate "C" not null,
    generation bigint           not null
);
create index installation_secrets_by_key on installation_secrets (key_id);

create table api_keys (
    id           text collate "C" not null primary key,
    environment  text collate "C" not null references environments (name),
    name         text             not null,
    secret_hash  bytea            not null,
    created_at   bigint           not null,
    expires_at   bigint,
    revoked_at   bigint,
    last_used_at bigint
);
create index api_keys_by_environment on api_keys (environment, id);

create table connections (
    id                   text collate "C" not null primary key,
    environment          text collate "C" not null references environments (name),
    provider             text collate "C" not null,
    integration          text             not null,
    auth                 text             not null,
    status               text collate "C" not null check (status in ('connected', 'disconnected', 'archived')),
    name                 text,
    external_id          text collate "C",
    account_id           text,
    account_label        text,
    created_at           bigint           not null,
    updated_at           bigint           not null,
    verified_at          bigint,
    token_hash           bytea            not null,
    sealed_variables     bytea            not null,
    variables_key_id     text collate "C" not null,
    variables_generation bigint           not null
);
create index connections_by_environment on connections (environment, id);
create index connections_by_provider on connections (environment, provider, id);
create index connections_by_status on connections (environment, status, id);
create index connections_by_external_id on connections (environment, external_id, id);
create index connections_by_variables_key on connections (variables_key_id);

create table connection_tags (
    connection_id text collate "C" not null references connections (id) on delete cascade,
    environment   text collate "C" not null,
    tag           text collate "C" not null,
    position      bigint           not null,
    primary key (connection_id, tag)
);
create index connection_tags_by_tag on connection_tags (environment, tag, connection_id);

create table credentials (
    connection_id text collate "C" not null primary key references connections (id) on delete cascade,
    environment   text collate "C" not null,
    generation    bigint           not null,
    sealed        bytea            not null,
    key_id        text collate "C" not null,
    expires_at    bigint
);
create index credentials_by_key on credentials (key_id);

-- Records outlive the connections and keys that they speak of, so nothing here is a foreign key.
create table requests (
    id                   text collate "C" not null primary key,
    environment          text collate "C" not null,
    connection_id        text collate "C",
    api_key_id           text,
    provider             text collate "C",
    door                 text             not null,
    method               text             not null,
    path                 text             not null,
    status_code          bigint,
    error_code           text collate "C",
    origin               text,
    sent                 text,
    attempts             bigint           not null,
    started_at           bigint           not null,
    duration_ms          bigint           not null,
    upstream_duration_ms bigint,
    request_bytes        bigint           not null,
    response_bytes       bigint           not null
);
create index requests_by_environment on requests (environment, id);
create index requests_by_connection on requests (environment, connection_id, id);
create index requests_by_provider on requests (environment, provider, id);
create index requests_by_start on requests (started_at);

-- What changed, in the order of the commits: other processes read it to drop what they hold in memory.
create table changes (
    seq        bigint           not null generated always as identity primary key,
    kind       text collate "C" not null,
    subject_id text collate "C" not null,
    at         bigint           not null
);
create index changes_by_time on changes (at);
