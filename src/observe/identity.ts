import type { Identity } from '../identity.ts';
import { PATHS } from '../paths.ts';
import { showFile } from '../programs/files.ts';
import { json } from '../programs/json.ts';
import type { Question } from './question.ts';

/** The cluster that the host reports it belongs to. A malformed file counts as none, and the next apply writes it anew. */
export const identity: Question<Identity | undefined> = {
  about: 'host',
  of: () => true,
  script: () => showFile(PATHS.identity),
  read(answer) {
    const one = json<Partial<Identity> | null>(answer);
    const isWhole =
      typeof one?.cluster === 'string' &&
      typeof one.uuid === 'string' &&
      typeof one.generation === 'number' &&
      typeof one.authorities === 'object' &&
      one.authorities !== null;
    return isWhole ? (one as Identity) : undefined;
  },
};
