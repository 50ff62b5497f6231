import { Code, ConnectError, createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Authorised, Caller, Scope } from '#server/features/access/service.ts';

/** The caller and their scope: set by the access interceptor, read by handlers. */
export const authorisedKey = createContextKey<Authorised>({ caller: null, scope: null });

export type OrganisationScope = Pick<Scope, 'organisationId' | 'organisation' | 'role'>;

export interface ProjectScope extends OrganisationScope {
  readonly projectId: string;
  readonly project: string;
}

/** The caller; null in a public method without credentials. */
export function maybeCallerOf(context: HandlerContext): Caller | null {
  return context.values.get(authorisedKey).caller;
}

/** The caller of a method that requires one in the access table. */
export function callerOf(context: HandlerContext): Caller {
  const caller = maybeCallerOf(context);
  if (caller === null) throw new ConnectError('Sign in first', Code.Unauthenticated);
  return caller;
}

function scopeOf(context: HandlerContext): Scope {
  const { scope } = context.values.get(authorisedKey);
  if (scope === null) throw new Error(`${context.method.name} has no scope in the access table`);
  return scope;
}

/** The organisation that the request named, of which the caller is a member. */
export function organisationOf(context: HandlerContext): OrganisationScope {
  return scopeOf(context);
}

/** The project that the request named, by its name or by an artifact, slug or release in it. */
export function projectOf(context: HandlerContext): ProjectScope {
  const { projectId, project, ...scope } = scopeOf(context);
  if (projectId === null || project === null) throw new Error(`${context.method.name} names no project`);
  return { ...scope, projectId, project };
}

/** The id of the project in a request that may name one; null when it names the organisation only. */
export function maybeProjectIdOf(context: HandlerContext): string | null {
  return scopeOf(context).projectId;
}
