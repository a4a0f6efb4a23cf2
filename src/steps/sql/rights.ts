import type { ObjectKind } from '../../inventory/grants.ts';
import type { Server } from '../../programs/postgres.ts';
import type { Statement } from './text.ts';

/** Kinds of objects in a schema. */
export type RelationKind = 'table' | 'sequence' | 'function';

/** What rights are about: the database, a schema, one object of a schema, or each of a kind (`name` is null). */
export interface Place {
  kind: ObjectKind;
  schema: string | null;
  name: string | null;
}

/** A right that is declared: `privileges` are in words of SQL. */
export interface GrantWant extends Place {
  privileges: readonly string[];
  to: string;
}

/** Rights on objects that a role will create in a schema. */
export interface DefaultWant {
  for: string;
  schema: string;
  kind: RelationKind;
  privileges: readonly string[];
  to: string;
}

/** Schemas and rights of one database as declared. */
export interface RightsWant {
  server: Server;
  database: string;
  schemas: readonly { name: string; owner: string }[];
  public: 'none' | 'connect' | undefined;
  grants: readonly GrantWant[];
  defaults: readonly DefaultWant[];
  /** Roles whose rights are the cluster's own and never shown or taken away. */
  protected: readonly string[];
}

/** One right: who has which privilege, and who gave it. */
export type Right = [to: string, privilege: string, by: string];

/** Objects of a schema with the same owner and the same rights. */
export interface Group {
  kind: RelationKind;
  schema: string;
  owner: string;
  rights: Right[];
  /** Names as SQL writes them within their schema; of functions with their arguments. */
  names: string[];
}

/** Schemas and rights of one database as they are. */
export interface RightsState {
  recovery: boolean;
  database: { owner: string; rights: Right[] };
  schemas: { name: string; owner: string; rights: Right[] }[];
  objects: Group[];
  defaults: { for: string; schema: string; kind: RelationKind; rights: Right[] }[];
}

/** Whether anything of a database is declared that is read within it. */
export const hasRights = ({ schemas, public: everybody, grants, defaults }: RightsWant): boolean =>
  schemas.length > 0 || everybody !== undefined || grants.length > 0 || defaults.length > 0;

/** A right that exists and is not declared, with the statement that takes it away. */
export interface Extra {
  text: string;
  statement: Statement;
}
