/** What a token may do, in the contract's words and in people's. */
export const scopes = [
  { name: 'read', words: 'See projects, releases and policies. Every token may.' },
  { name: 'release', words: 'Annotate builds, ask for releases and cancel them. What a CI job needs.' },
  { name: 'approve', words: 'Vote on releases in your name.' },
  { name: 'admin', words: 'What admins change, where you are admin. A bypass takes “approve” too.' },
] as const;

export type Scope = (typeof scopes)[number]['name'];
