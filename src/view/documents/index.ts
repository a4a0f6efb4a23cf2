import { z } from 'zod';
import { backupsDocument, drillDocument, verifyDocument } from './backups.ts';
import {
  auditDocument,
  boardsDocument,
  certificatesDocument,
  connectDocument,
  execDocument,
  explainDocument,
  historyDocument,
  keptDocument,
  lockDocument,
  logsDocument,
  pingDocument,
  probeDocument,
  renderDocument,
  reportDocument,
  secretsDocument,
  settingDocument,
  settingsDocument,
  topologyDocument,
  trustDocument,
  validateDocument,
} from './look.ts';
import { doctorDocument, errorDocument, operationDocument } from './operation.ts';
import { applyDocument, planDocument } from './plan.ts';
import { statusDocument } from './status.ts';

/** The documents of `-o json`, by the name that `hapg schema` takes: the words of the command, where one alone has it. */
export const DOCUMENTS = {
  plan: planDocument,
  apply: applyDocument,
  status: statusDocument,
  operation: operationDocument,
  doctor: doctorDocument,
  error: errorDocument,
  audit: auditDocument,
  backups: backupsDocument,
  'backups verify': verifyDocument,
  boards: boardsDocument,
  certs: certificatesDocument,
  config: settingsDocument,
  'config explain': settingDocument,
  connect: connectDocument,
  'drill restore': drillDocument,
  exec: execDocument,
  explain: explainDocument,
  history: historyDocument,
  'kept list': keptDocument,
  lock: lockDocument,
  logs: logsDocument,
  ping: pingDocument,
  probe: probeDocument,
  render: renderDocument,
  report: reportDocument,
  secrets: secretsDocument,
  topology: topologyDocument,
  trust: trustDocument,
  validate: validateDocument,
} as const;

export type DocumentName = keyof typeof DOCUMENTS;

/** Their names. */
export const DOCUMENT_NAMES = Object.keys(DOCUMENTS) as DocumentName[];

/** JSON Schema (draft 2020-12) of a document. Keys that it does not name are allowed: they are added over time. */
export const documentSchema = (name: DocumentName): unknown => z.toJSONSchema(DOCUMENTS[name]);
