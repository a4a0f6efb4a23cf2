import type { Role } from '../role.ts';
import { tuning } from './tuning.ts';

export const tuningRole: Role = { services: tuning };
