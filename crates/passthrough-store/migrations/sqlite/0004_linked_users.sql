-- The same table as migrations/postgres/0004_linked_users.sql; only the types differ.
-- End users as Panora's dialect has them. One is there for every external id that a connection was ever given, and
-- stays when its last connection is gone. Times are unix milliseconds.
-- Once landed this file is never edited; a change is a new file.

create table linked_users (
    id          text    not null primary key,
    environment text    not null references environments (name),
    origin_id   text    not null,
    alias       text,
    created_at  integer not null
) strict;
create unique index linked_users_by_origin on linked_users (environment, origin_id);
create index linked_users_by_environment on linked_users (environment, id);

-- Ids that differ, because a connection has one external id: that of the first connection, under another prefix.
insert into linked_users (id, environment, origin_id, alias, created_at)
select 'user_' || substr(min(id), length('conn_') + 1), environment, external_id, null, min(created_at)
from connections where external_id is not null
group by environment, external_id;
