import type { Inventory } from './schema.ts';

/* What an inventory says of users and databases, without those that are to be gone. */

type Postgres = Pick<Inventory['postgres'], 'users' | 'databases'>;
export type User = Postgres['users'][number];
export type Database = Postgres['databases'][number];

const isPresent = ({ ensure }: User | Database): boolean => ensure !== 'absent';

/** Returns the roles that are to exist: logins and groups. */
export const presentUsers = ({ users }: Pick<Postgres, 'users'>): User[] => users.filter(isPresent);
export const presentDatabases = ({ databases }: Pick<Postgres, 'databases'>): Database[] => databases.filter(isPresent);

export const isLogin = (user: User): boolean => user.login !== false;

/** Returns the users with a password. */
export const loginUsers = (postgres: Pick<Postgres, 'users'>): User[] => presentUsers(postgres).filter(isLogin);

export const hasOwnPassword = ({ password }: User): boolean => password === 'own';

/** Returns the users whose passwords hapg makes. */
export const madeUsers = (postgres: Pick<Postgres, 'users'>): User[] =>
  loginUsers(postgres).filter((user) => !hasOwnPassword(user));

/** The name in the secret store of a password that an operator brings. */
export const ownPasswordName = (user: string): string => `user-${user}`;
