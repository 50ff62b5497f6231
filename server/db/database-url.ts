/**
 * A URL of PostgreSQL. As libpq does, it allows a user without a host (`postgres://forage@/forage?host=/run/postgresql`).
 * @throws TypeError for other invalid URLs
 */
export const databaseUrlOf = (text: string): URL =>
  new URL(text.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)\//, '$1localhost/'));
