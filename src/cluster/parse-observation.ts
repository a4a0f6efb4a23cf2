import { X509Certificate } from 'node:crypto';
import type { Cluster } from '../inventory/model.ts';
import { json } from '../programs/json.ts';
import { answerOf, curlSilence } from './answer.ts';
import { type BackupService, parseRepository } from './backups.ts';
import { parseDcs } from './dcs.ts';
import type { Identity, Observation, PatroniMember, Subject } from './observe.ts';

/** Reads the answer of `observeScript`. What a program did not answer is undefined; never guessed. */
export function parseObservation(answer: string, cluster: Cluster): Observation {
  const parts = new Map<string, string>();
  for (const part of answer.split(/^@(?=[a-z]+$)/m).slice(1)) {
    const at = part.indexOf('\n');
    parts.set(part.slice(0, at < 0 ? undefined : at), at < 0 ? '' : part.slice(at + 1));
  }
  const lines = (name: string) =>
    (parts.get(name) ?? '')
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
  /** A line of a part, empty ones counted. */
  const line = (name: string, index: number) => parts.get(name)?.split('\n')[index];
  const patroni = parsePatroni((parts.get('patroni') ?? '').split('\n'));
  const dcs = parseDcs(parts, cluster);
  const sql = answerOf(parts.get('sql'));
  const backups = answerOf(parts.get('repository'));
  return {
    identity: parseIdentity(parts.get('identity')),
    pending: lines('pending'),
    units: lines('units').map((line) => line.split(/\s+/)[0] ?? ''),
    holder: parts.get('holder')?.trim() || undefined,
    dataDirectory: parseData(lines('data'), cluster.dataDir),
    patroni,
    sql: sql && 'said' in sql ? json(sql.said) : undefined,
    dcs,
    newToDcs: parts.has('new') ? lines('new')[0] === 'yes' : undefined,
    vipHeld: parts.has('vip') ? Number(lines('vip')[0]) > 0 : undefined,
    pool: parts.has('pool') ? lines('pool')[0] === 'yes' : undefined,
    balancer: parts.get('haproxy')?.trim() ? parseHaproxy(lines('haproxy')) : undefined,
    repository: backups && 'said' in backups ? parseRepository(backups.said, cluster.stanza) : undefined,
    backupService: parts.has('backup') ? parseBackupService(parts.get('backup')!) : undefined,
    drill: json(parts.get('drill')),
    restore: parts.get('restore')?.trim() || undefined,
    certificates: parseCertificates(parts.get('certificates') ?? ''),
    silent: {
      ...reasonOf('patroni', patroni ? undefined : curlSilence(line('patroni', 2))),
      ...reasonOf('etcd', dcs ? undefined : curlSilence(line('etcd', 5))),
      ...reasonOf('postgres', sql && 'silent' in sql ? sql.silent : undefined),
      ...reasonOf('backups', backups && 'silent' in backups ? backups.silent : undefined),
    },
  };
}

const reasonOf = (subject: Subject, reason: string | undefined): Observation['silent'] =>
  reason === undefined ? {} : { [subject]: reason };

/** Who the host says it belongs to; a file of another shape says nothing, and the next apply writes it anew. */
function parseIdentity(text: string | undefined): Identity | undefined {
  const one = json<Partial<Identity> | null>(text);
  const isWhole =
    typeof one?.cluster === 'string' &&
    typeof one.uuid === 'string' &&
    typeof one.generation === 'number' &&
    typeof one.authorities === 'object' &&
    one.authorities !== null;
  return isWhole ? (one as Identity) : undefined;
}

/** Timers as `systemctl show` tells them, and lines `space SIZE FREE PATH`. */
function parseBackupService(text: string): BackupService {
  const timers = text
    .split(/\n\n+|\n(?=space )/)
    .map((block) => Object.fromEntries([...block.matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [key!, value!])))
    .filter((one) => one.Id);
  const triggered = timers.flatMap((one) => /^@(\d+)$/.exec(one.LastTriggerUSec ?? '')?.[1] ?? []).map(Number);
  return {
    idle: timers.filter((one) => one.ActiveState !== 'active').map((one) => one.Id!),
    triggered: triggered.length > 0 ? Math.max(...triggered) : undefined,
    space: [...text.matchAll(/^space (\d+) (\d+) (.+)$/gm)].map(([, size, free, path]) => ({
      path: path!,
      freeBytes: Number(free),
      sizeBytes: Number(size),
    })),
  };
}

function parseData(all: string[], dataDir: string): Observation['dataDirectory'] {
  const noted = all.find((line) => line.startsWith('noted '))?.slice('noted '.length);
  const [state, systemIdentifier, words] = all.filter((line) => !line.startsWith('noted ')) as [
    'absent' | 'empty' | 'foreign' | 'cluster' | undefined,
    string | undefined,
    string | undefined,
  ];
  return (
    state && {
      state,
      ...(systemIdentifier ? { systemIdentifier } : {}),
      ...(words ? { led: !/recovery/.test(words) } : {}),
      ...(noted === dataDir && (state === 'absent' || state === 'empty') ? { lost: true } : {}),
      ...(noted ? { noted } : {}),
    }
  );
}

function parsePatroni(lines: string[]): Observation['patroni'] {
  const [self, all] = [0, 1].map((index) => json<Record<string, unknown>>(lines[index]));
  if (!self && !all) return undefined;
  return { self, members: all?.members as PatroniMember[] | undefined, paused: all?.pause === true };
}

function parseHaproxy(lines: string[]): Observation['balancer'] {
  const header = (lines[0] ?? '').replace(/^# /, '').split(',');
  const [proxy = -1, server = -1, status = -1, sessions = -1] = ['pxname', 'svname', 'status', 'scur'].map((name) =>
    header.indexOf(name),
  );
  if (status < 0) return undefined;
  return lines.slice(1).map((line) => {
    const fields = line.split(',');
    return {
      proxy: fields[proxy] ?? '',
      server: fields[server] ?? '',
      status: fields[status] ?? '',
      sessions: Number(fields[sessions]),
    };
  });
}

function parseCertificates(text: string): Observation['certificates'] {
  return text
    .split(/^path /m)
    .slice(1)
    .flatMap((part) => {
      const path = part.slice(0, part.indexOf('\n'));
      const pem = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(part)?.[0];
      return pem ? [{ path, expires: Date.parse(new X509Certificate(pem).validTo) }] : [];
    });
}
