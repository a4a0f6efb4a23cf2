/** curl without the .curlrc of whoever runs it, which it finds without HOME too; the option counts only as the first one. */
export const CURL = 'curl -q';
