import type { Role } from '../role.ts';
import { clientPackages } from './client.ts';

export const clientRole: Role = { packages: (_host, { cluster }) => clientPackages(cluster) };
