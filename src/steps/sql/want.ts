import type { Attribute } from '../../inventory/users-schema.ts';
import type { Server } from '../../programs/postgres.ts';
import type { Secret } from '../../secret.ts';

/** A role as declared. */
export interface RoleWant {
  name: string;
  /** The password of a login; undefined for a group. */
  password: Secret | undefined;
  roles: readonly string[];
  connectionLimit: number;
  attributes: Readonly<Record<Attribute, boolean>>;
  /** When the password ends, in UTC; null: never. */
  validUntil: string | null;
  settings: Readonly<Record<string, string>>;
}

/** A database as declared; its schemas and rights are a step of their own. */
export interface DatabaseWant {
  name: string;
  owner: string;
  connectionLimit: number;
  settings: Readonly<Record<string, string>>;
}

/** Users and databases as declared. */
export interface SqlWant {
  server: Server;
  users: readonly RoleWant[];
  /** Accounts that Patroni made; only their passwords are kept as declared. */
  accounts: readonly { name: string; password: Secret }[];
  /** Whether a pool looks up users and passwords. */
  pooled: boolean;
  /** Whether an exporter reads statistics. */
  monitored: boolean;
  databases: readonly DatabaseWant[];
}

/** PgBouncer's own role, and the schema of the function with which it looks up passwords. */
export const POOLER = 'pgbouncer';
