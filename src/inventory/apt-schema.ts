import { z } from 'zod';
import { hostName } from './values.ts';

const word = z.string().regex(/^[A-Za-z0-9._/+][A-Za-z0-9._/+-]*$/, 'expected one word');

/** A package source beside the distribution's own, with the fields of deb822 sources (sources.list(5)). */
const repository = z.strictObject({
  name: hostName.describe('Name of the repository in messages and of its file'),
  uri: z
    .string()
    .regex(/^(https?|file):\/\/?[A-Za-z0-9._~:/@%+-]+$/, 'expected an address: https://HOST/PATH')
    .describe('Address of the repository'),
  suite: word.optional().describe("Suite; default: the code name of the host's release"),
  components: z
    .array(word)
    .default(['main'])
    .describe('Components; empty for a flat repository, whose suite ends with a slash'),
  key: z
    .string('expected the signing key in ASCII armor')
    .regex(
      /^\s*-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]+-----END PGP PUBLIC KEY BLOCK-----\s*$/,
      'expected the signing key in ASCII armor, from "-----BEGIN PGP PUBLIC KEY BLOCK-----" to its end',
    )
    .describe('Public key that signs the repository, in ASCII armor'),
});
export type AptRepository = z.output<typeof repository>;

export const apt = z
  .strictObject({
    proxy: z.url().optional().describe('HTTP proxy through which apt fetches packages'),
    repositories: z
      .array(repository)
      .default([])
      .describe(
        'Further signed package repositories of the database hosts and the backup host, for example of an extension',
      ),
  })
  .prefault({})
  .describe('Package sources');
