-- The same as migrations/sqlite/0002_request_batches.sql; only types and the names of functions differ.
-- Records in batches: one row holds a JSON array of records, because a row and its index entries for each record
-- cost more than the whole passthrough. `jsonb_array_elements(records::jsonb)` gives the records back; their fields
-- are named as the columns of `requests` were, times are unix milliseconds, and what is not there is absent or null.
-- Ids begin with their time, so that they bound a batch in time, too. The records of one batch are of one
-- environment, of 4,096 ms by the time in their ids (divided by 4,096 it is the same number for all), and of
-- connections whose ids end with the same character, which is `connection_group`; '' where there was no connection.
-- Once landed this file is never edited; a change is a new file.

create table request_batches (
    environment      text collate "C" not null,
    connection_group text collate "C" not null,
    first_id         text collate "C" not null,
    last_id          text collate "C" not null,
    record_count     bigint           not null,
    records          text             not null,
    primary key (environment, last_id)
);
-- Not compressed: whoever searches the files of a database for a leaked secret must be able to find it.
alter table request_batches alter column records set storage external;
create index request_batches_by_connection on request_batches (environment, connection_group, last_id);

-- The first eight characters of a ULID change every 1,024 ms.
insert into request_batches (environment, connection_group, first_id, last_id, record_count, records)
select environment, coalesce(right(connection_id, 1), ''), min(id), max(id), count(*),
    json_agg(json_build_object(
        'id', id, 'connection_id', connection_id, 'api_key_id', api_key_id, 'provider', provider, 'door', door,
        'method', method, 'path', path, 'status_code', status_code, 'error_code', error_code, 'origin', origin,
        'sent', sent, 'attempts', attempts, 'started_at', started_at, 'duration_ms', duration_ms,
        'upstream_duration_ms', upstream_duration_ms, 'request_bytes', request_bytes,
        'response_bytes', response_bytes))::text
from requests
group by environment, coalesce(right(connection_id, 1), ''), substr(id, 1, length('req_') + 8);

drop table requests;
