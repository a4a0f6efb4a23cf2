import type { RepositorySettings } from '../../src/inventory/model.ts';
import { kindOf } from '../../src/inventory/repositories/kinds.ts';
import { POSTGRES } from '../../src/programs/postgres.ts';
import { Secret } from '../../src/secret.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import { quote } from '../../src/shell/quote.ts';
import { dataDirectory } from '../../src/steps/data-directory.ts';
import { file } from '../../src/steps/file.ts';
import { ready } from '../../src/steps/ready.ts';
import type { Step } from '../../src/steps/step.ts';
import { repositoryFile } from './config.ts';

const role = 'pgbackrest';

/** Steps for a repository, on a host that reaches it directly. */
export const storage = (one: RepositorySettings, secrets: SecretStore, keys: string): Step[] => [
  ...repositoryFiles(one, secrets, keys),
  ...places(one),
];

/** Steps for the files that a repository's options name, in the directory `keys`. Secret ones are for postgres only. */
export const repositoryFiles = (one: RepositorySettings, secrets: SecretStore, keys: string): Step[] =>
  (kindOf(one).files?.(one, (name) => secrets.externalSecret(name)) ?? []).map(({ name, content }) =>
    file(
      role,
      repositoryFile(one, name, keys),
      content,
      content instanceof Secret ? { ...POSTGRES, mode: '0600' } : {},
    ),
  );

/** Steps for a repository that is a directory. */
function places(one: RepositorySettings): Step[] {
  const { directory } = kindOf(one);
  if (!directory) return [];
  const own = dataDirectory(role, one.path, POSTGRES.owner, ['0750', '0700', '0770']);
  if (directory === 'own') return [own];
  // A missing mount looks like an empty directory, and backups would fill a database host's own disk.
  const missing = `${one.path} is on no mount of its own: mount the shared directory there first`;
  return [
    own,
    ready(role, `mount ${one.path}`, {
      check: `[ "$(stat -c %d ${quote(one.path)})" != "$(stat -c %d /)" ]`,
      act: `echo ${quote(missing)}`,
      doing: 'looking for the mount',
      timeoutSeconds: 5,
    }),
  ];
}
