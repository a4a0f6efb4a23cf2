/** Bounds of outside programs that do not depend on the size of the database. */

/** Bounds apt with packages to fetch, unpack and configure (s), another apt that holds the lock included. */
export const APT_S = 1800;
/** Bounds refreshing the package lists (s). */
export const APT_LISTS_S = 300;
/** Bounds pgBackRest's answer about its repositories, which may be slow storage (s). */
export const REPOSITORY_S = 180;
/** Bounds one question about one backup (s). */
export const BACKUP_INFO_S = 60;
/** Bounds pgBackRest's check: a segment is closed and its arrival waited for (pgBackRest, "archive-timeout") (s). */
export const ARCHIVE_CHECK_S = 120;
/** Bounds making a stanza (s): archiving members hold its lock meanwhile, so it is retried for two minutes. */
export const STANZA_S = 300;
/** Bounds deleting the backups of a stanza from every repository (s). */
export const STANZA_DELETE_S = 3600;
/** Bounds a patronictl command that changes something and waits for nothing (s). */
export const PATRONICTL_S = 90;
/** Bounds a patronictl or DCS command that reads and then removes keys (s). */
export const KEYS_S = 120;
/** Bounds etcdctl and ZooKeeper's client with one change of the members (s). */
export const DCS_CHANGE_S = 90;
/** Bounds one request to a DCS (s). */
export const DCS_ASK_S = 60;
/** Bounds the copy of a DCS member's data, its stop, and its start as the only member (s). */
export const DCS_ALONE_S = 150;
/** Bounds a question to all addresses of an upstream cluster (s); libpq gives each two seconds. */
export const UPSTREAM_S = 30;
/** Bounds one command to HAProxy's runtime API (s). */
export const HAPROXY_S = 5;
/** Bounds one question to PostgreSQL within an observation (s). */
export const SQL_S = 10;
/** How long an observation waits for storage, which may hang (s). */
export const STORAGE_S = 3;
/** Bounds one question to pgBackRest within an observation (s); one of its repositories may be far away. */
export const REPOSITORY_OBSERVE_S = 20;
/** Bounds one quick question to a local service (s). */
export const QUICK_S = 30;
