import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

const ITERATIONS = 4096;

/**
 * Returns the verifier that PostgreSQL stores for a password (RFC 5803 form:
 * `SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER`). It is sent instead of the password, so that no server log can hold
 * it. ASCII passwords only: SASLprep is not applied.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16), iterations = ITERATIONS): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const client = createHmac('sha256', salted).update('Client Key').digest();
  const stored = createHash('sha256').update(client).digest('base64');
  const server = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`;
}

/** Passwords by verifier, with the result of the comparison; only in this process's memory. */
const compared = new Map<string, { password: string; matches: boolean }>();

/**
 * Whether a stored verifier was made from this password. Each pair is derived once: a run compares all users several
 * times, and a thousand derivations block it for seconds.
 */
export function scramMatches(verifier: string, password: string): boolean {
  const known = compared.get(verifier);
  if (known?.password === password) return known.matches;
  const match = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$/.exec(verifier);
  const matches = !!match && scramVerifier(password, Buffer.from(match[2]!, 'base64'), Number(match[1])) === verifier;
  compared.set(verifier, { password, matches });
  return matches;
}
