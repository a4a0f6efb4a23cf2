import { randomBytes } from 'node:crypto';
import { CONNECT_MS } from '../bounds/hosts.ts';
import { rootShellCommand } from '../shell/environment.ts';
import type { Credentials } from './auth.ts';
import { lastLines } from './hop.ts';
import type { Channel, Login } from './login.ts';
import { RootShell } from './shell.ts';
import type { SshTarget } from './target.ts';

/**
 * Starts the root shell. Output before the shell announces itself is discarded; it becomes the error message where the
 * shell never does. A password is sent only after sudo's own prompt, which the nonce identifies.
 */
export async function becomeRoot(
  login: Login,
  target: SshTarget,
  credentials: Credentials,
  timeoutMs = CONNECT_MS,
): Promise<RootShell> {
  const nonce = randomBytes(12).toString('hex');
  // sudo-rs knows no -H; HOME is set by the shell's own start.
  const become = target.user === 'root' ? [] : ['sudo', '-S', '-p', `${nonce} `];
  const announcement = `${nonce}-ready`;
  const channel = await login.exec(rootShellCommand(announcement, become));
  await awaitShell(channel, announcement, { nonce, target, credentials, timeoutMs, isAsking: () => login.isAsking });
  channel.stderr.resume();
  return new RootShell(channel);
}

/** Waits until the shell announces itself, and answers sudo meanwhile. Rejects with the host's output instead. */
export function awaitShell(
  channel: Channel,
  announcement: string,
  {
    nonce,
    target,
    credentials,
    timeoutMs = CONNECT_MS,
    isAsking = () => false,
  }: {
    nonce: string;
    target: SshTarget;
    credentials: Credentials;
    timeoutMs?: number;
    isAsking?: () => boolean;
  },
): Promise<void> {
  const where = target.user === 'root' ? `the root shell on ${target.host}` : `sudo on ${target.host}`;
  return new Promise<void>((resolve, reject) => {
    let out = '';
    let err = '';
    let asked = 0;
    const done = () => {
      clearTimeout(timer);
      channel.removeListener('data', onOut);
      channel.stderr.removeListener('data', onErr);
      channel.removeListener('close', onClose);
    };
    const fail = (reason: string) => {
      done();
      reject(new Error(`${where}: ${reason}`));
    };
    const heard = () => lastLines(`${out}\n${err}`.replaceAll(`${nonce} `, ''));
    const expire = (): NodeJS.Timeout =>
      setTimeout(() => {
        if (isAsking()) timer = expire();
        else fail(`no answer within ${timeoutMs / 1000} s${heard() ? `; it said: ${heard()}` : ''}`);
      }, timeoutMs);
    let timer = expire();
    const onOut = (chunk: Buffer) => {
      out += chunk.toString('latin1');
      // Nothing follows the announcement: the shell has not been asked anything yet.
      if (!out.includes(`${announcement}\n`)) return;
      done();
      resolve();
    };
    const onErr = (chunk: Buffer) => {
      err += chunk.toString('latin1');
      if (err.split(`${nonce} `).length - 1 <= asked) return;
      asked++;
      if (asked > 1) return fail('the password was not accepted');
      if (!credentials.becomePassword) return fail(`a password is needed for ${target.user}: use -K`);
      // An operator may take longer to type than a program to answer.
      clearTimeout(timer);
      credentials.becomePassword().then(
        (password) => {
          timer = expire();
          channel.write(`${password.reveal()}\n`);
        },
        (error: Error) => {
          done();
          reject(error);
        },
      );
    };
    const onClose = () => fail(heard() || 'it ended at once');
    channel.on('data', onOut);
    channel.stderr.on('data', onErr);
    channel.on('close', onClose);
  });
}
