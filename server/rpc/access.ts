import { Code, ConnectError, createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Authorized, Caller, Scope } from '#server/features/access/service.ts';

/** Who is calling and what they were let into: set by the access interceptor, read by handlers. */
export const authorizedKey = createContextKey<Authorized>({ caller: null, scope: null });

export interface OrganisationScope {
  readonly organisationId: string;
  readonly organisation: string;
  readonly role: Scope['role'];
}

export interface ProjectScope extends OrganisationScope {
  readonly projectId: string;
  readonly project: string;
}

/** The caller, or null in a public method that was called without credentials. */
export function maybeCallerOf(context: HandlerContext): Caller | null {
  return context.values.get(authorizedKey).caller;
}

/** The caller of a method whose row in the access table asks for one. */
export function callerOf(context: HandlerContext): Caller {
  const caller = maybeCallerOf(context);
  if (caller === null) throw new ConnectError('sign in first', Code.Unauthenticated);
  return caller;
}

function scopeOf(context: HandlerContext): Scope {
  const { scope } = context.values.get(authorizedKey);
  if (scope === null) throw new Error(`${context.method.name} has no scope in the access table`);
  return scope;
}

/** The organisation that the request named, of which the caller is a member. */
export function organisationOf(context: HandlerContext): OrganisationScope {
  return scopeOf(context);
}

/** The project that the request named (by name, or by an artifact, a slug or a release of it). */
export function projectOf(context: HandlerContext): ProjectScope {
  const { projectId, project, ...scope } = scopeOf(context);
  if (projectId === null || project === null) throw new Error(`${context.method.name} names no project`);
  return { ...scope, projectId, project };
}

/** The project's id where the request may name one; null when it names the organisation alone. */
export function maybeProjectIdOf(context: HandlerContext): string | null {
  return scopeOf(context).projectId;
}
