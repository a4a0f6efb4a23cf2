import { z } from 'zod';
import { hostName } from './values.ts';

const word = z.string().regex(/^[A-Za-z0-9._/+][A-Za-z0-9._/+-]*$/, 'expected one word');

/** A package source beside the distribution's own, in the words of deb822 sources (sources.list(5)). */
const repository = z.strictObject({
  name: hostName.describe('What it is called in messages'),
  uri: z.string().regex(/^(https?|file):\/\/?[A-Za-z0-9._~:/@%+-]+$/, 'expected an address: https://HOST/PATH'),
  suite: word.optional().describe("Default: the release's code name"),
  components: z.array(word).default(['main']).describe('Empty for a flat repository, whose suite ends with a slash'),
  key: z
    .string('expected the signing key in ASCII armor')
    .regex(
      /^\s*-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]+-----END PGP PUBLIC KEY BLOCK-----\s*$/,
      'expected the signing key in ASCII armor, from "-----BEGIN PGP PUBLIC KEY BLOCK-----" to its end',
    ),
});
export type AptRepository = z.output<typeof repository>;

export const apt = z
  .strictObject({
    proxy: z.url().optional().describe('HTTP proxy for packages'),
    repositories: z
      .array(repository)
      .default([])
      .describe('Further package sources of the database hosts, such as of an extension; only signed ones'),
  })
  .prefault({});
