/**
 * What copying objects remembers between processes and machines; a migration of the state database.
 * `pair` names the two places it is about. Names of objects are compared as bytes (`collate "C"`).
 */
export const OBJECTS_SCHEMA = `
  create table cloudphoenix.object_round (
    number bigint generated always as identity primary key,
    pair text not null,
    completed_ms bigint,
    source_objects bigint,
    target_objects bigint
  );
  create index object_round_pair on cloudphoenix.object_round (pair);
  create table cloudphoenix.object_missing (
    pair text not null,
    name text collate "C" not null,
    target_etag text not null,
    since_ms bigint,
    seen_etag text not null,
    seen_round bigint not null,
    primary key (pair, name)
  );
  create table cloudphoenix.object_upload (
    pair text not null,
    key text collate "C" not null,
    record text not null,
    hashed_parts int,
    hash_state bytea,
    primary key (pair, key)
  );
  create table cloudphoenix.object_part (
    pair text not null,
    key text collate "C" not null,
    number int not null,
    size_bytes bigint not null,
    receipt text not null,
    md5 text not null,
    primary key (pair, key, number),
    foreign key (pair, key) references cloudphoenix.object_upload on delete cascade
  );
`;

/** Versions at a site that are known to have been at another one; `modified_s` is by the store's clock. */
export const COPIED_OBJECTS_SCHEMA = `
  create table cloudphoenix.object_copied (
    application text not null,
    site text not null,
    name text collate "C" not null,
    etag text not null,
    modified_s bigint not null,
    in_parts boolean not null,
    noted_ms bigint not null,
    primary key (application, site, name)
  );
  create index object_copied_noted on cloudphoenix.object_copied (application, site, noted_ms);
`;
