import { z } from 'zod';
import { doctorDocument, errorDocument, operationDocument } from './operation.ts';
import { applyDocument, planDocument } from './plan.ts';
import { statusDocument } from './status.ts';

/** The documents of `-o json` that have a schema, by the name that `hapg schema` takes. */
export const DOCUMENTS = {
  plan: planDocument,
  apply: applyDocument,
  status: statusDocument,
  operation: operationDocument,
  doctor: doctorDocument,
  error: errorDocument,
} as const;

export type DocumentName = keyof typeof DOCUMENTS;

/** Their names. */
export const DOCUMENT_NAMES = Object.keys(DOCUMENTS) as DocumentName[];

/** JSON Schema (draft 2020-12) of a document. Keys that it does not name are allowed: they are added over time. */
export const documentSchema = (name: DocumentName): unknown => z.toJSONSchema(DOCUMENTS[name]);
