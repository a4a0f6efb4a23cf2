import type { Role } from '../role.ts';
import { hardening, hardeningPackages, hardeningServices } from './hardening.ts';

export const hardeningRole: Role = {
  packages: hardeningPackages,
  prepare: hardening,
  services: hardeningServices,
};
