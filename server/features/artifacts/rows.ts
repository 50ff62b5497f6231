/** A commit of a build; `committedAt` is RFC 3339 in UTC. Stored as JSON. */
export interface CommitJson {
  readonly sha: string;
  readonly title: string;
  readonly authorName: string | null;
  readonly authorEmail: string | null;
  readonly url: string | null;
  readonly pullRequestUrl: string | null;
  readonly committedAt: string | null;
  /** Each `name <address>`. */
  readonly coAuthors: readonly string[];
}
