import type { DescMethod, JsonObject } from '@bufbuild/protobuf';
import { services } from '#server/rpc/access-table.ts';
import type { TestApp } from './harness.ts';

/** An organisation and the things in it that requests point at. */
export interface Aim {
  readonly organisation: string;
  readonly organisationId: string;
  readonly project: { readonly organisation: string; readonly project: string };
  readonly environmentId: string;
  /** An environment that nothing uses. */
  readonly spareEnvironmentId: string;
  readonly spareDestination: string;
  readonly artifactId: string;
  readonly slug: string;
  /** Waits for more approvals than the tests give. */
  readonly intentId: string;
  /** The same, and may be cancelled. */
  readonly otherIntentId: string;
  /** Its stage `plan` waits for a verdict. */
  readonly planIntentId: string;
  /** A delivery: the plan of that release. */
  readonly releaseId: string;
  readonly policy: string;
  readonly pipeline: string;
  readonly author: { readonly userId: string; readonly username: string; readonly password: string };
  /** A member who may be removed, and a user who is not a member. */
  readonly spareMemberId: string;
  readonly strangerId: string;
  readonly uploadId: string;
  readonly tokenId: string;
  /** Of the author. */
  readonly commitAddress: string;
  /** A service account that may be deleted, and one whose token may be revoked. */
  readonly spareServiceAccountId: string;
  readonly serviceAccountId: string;
  readonly serviceTokenId: string;
}

export const everyMethod: readonly DescMethod[] = Object.values(services).flatMap((s) => s.methods);
export const nameOf = (method: DescMethod): string => `${method.parent.name}.${method.name}`;
export const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;

/** A valid request of each method, as JSON; `n` makes new names unique. */
export function requestsFor(aim: Aim, n: number | string): Readonly<Record<string, JsonObject>> {
  const { organisation, organisationId, artifactId } = aim;
  const project = { ...aim.project };
  const vote = { project, releaseIntentId: aim.intentId, targetEnvironment: 'production' };
  const approval = { targetEnvironment: 'staging', requiredApprovals: 1 };
  const noop = { organisation: 'forage', name: 'noop', version: '1' };
  const stages = [{ id: 'first', deploy: { environment: 'staging' } }];
  const plan = { releaseIntentId: aim.planIntentId, stageId: 'plan' };
  const { userId, username, password } = aim.author;
  return {
    'ArtifactService.BeginUploadArtifact': {},
    'ArtifactService.UploadArtifact': { uploadId: aim.uploadId, fileName: 'a.txt', fileContent: 'a' },
    'ArtifactService.CommitArtifact': { uploadId: aim.uploadId },
    'ArtifactService.GetArtifactFiles': { artifactId },
    'DestinationService.CreateDestination': {
      organisation,
      name: `d-${n}`,
      environment: 'staging',
      type: noop,
    },
    'DestinationService.UpdateDestination': { organisation, name: aim.spareDestination, metadata: {} },
    'DestinationService.DeleteDestination': { organisation, name: aim.spareDestination },
    'DestinationService.GetDestinations': { organisation },
    'DestinationService.ListDestinationTypes': {},
    'EnvironmentService.CreateEnvironment': { organisation, name: `e-${n}`, sortOrder: 9 },
    'EnvironmentService.GetEnvironment': { id: aim.environmentId },
    'EnvironmentService.ListEnvironments': { organisation },
    'EnvironmentService.UpdateEnvironment': { id: aim.environmentId, description: 'words' },
    'EnvironmentService.DeleteEnvironment': { id: aim.spareEnvironmentId },
    'Health.Check': {},
    'Health.List': {},
    'Health.Watch': {},
    'IdentityService.ListIdentities': {},
    'IdentityService.ConnectIdentity': { provider: 'acme' },
    'IdentityService.DisconnectIdentity': { identityId: organisationId },
    'OrganisationService.CreateOrganisation': { name: `o-${n}` },
    'OrganisationService.GetOrganisation': { organisationId },
    'OrganisationService.ListMyOrganisations': {},
    'OrganisationService.UpdateOrganisation': { organisationId, fileRetentionDays: 30 + (Number(n) || 0) },
    'OrganisationService.AddMember': { organisationId, userId: aim.strangerId, role: 'member' },
    'OrganisationService.RemoveMember': { organisationId, userId: aim.spareMemberId },
    'OrganisationService.LeaveOrganisation': { organisationId },
    'OrganisationService.UpdateMemberRole': { organisationId, userId, role: 'member' },
    'OrganisationService.ListMembers': { organisationId },
    'OrganisationService.ListJoinRules': { organisationId },
    'OrganisationService.CreateJoinRule': { organisationId, provider: 'acme', emailDomain: `x${n}.example` },
    'OrganisationService.DeleteJoinRule': { organisationId, joinRuleId: organisationId },
    'PolicyService.CreatePolicy': {
      project,
      name: `p ${n}`,
      policyType: 'POLICY_TYPE_EXTERNAL_APPROVAL',
      approval,
    },
    'PolicyService.UpdatePolicy': { project, name: aim.policy, enabled: true },
    'PolicyService.DeletePolicy': { project, name: aim.policy },
    'PolicyService.ListPolicies': { project },
    'PolicyService.GetSoakRecord': { project, sourceEnvironment: 'production', durationSeconds: '60' },
    'PolicyService.EvaluatePolicies': { project, targetEnvironment: 'production', branch: 'main' },
    'PolicyService.ApproveRelease': vote,
    'PolicyService.RejectRelease': vote,
    'PolicyService.GetApprovalState': vote,
    'PolicyService.ExternalApproveRelease': vote,
    'PolicyService.WithdrawVote': vote,
    'PolicyService.ExternalRejectRelease': vote,
    'PolicyService.GetExternalApprovalState': vote,
    'PolicyService.GetReleaseRequirements': { project, releaseIntentId: aim.intentId },
    'PolicyService.GetReleaseOptions': { project, artifactId },
    'PolicyService.ListPendingApprovals': {},
    'PolicyService.ListHistory': { organisation },
    'PolicyService.VerifyHistory': { organisation },
    'PolicyService.ExportHistory': { organisation, format: 'HISTORY_FORMAT_JSON_LINES' },
    'ReleasePipelineService.CreateReleasePipeline': { project, name: `l-${n}`, stages },
    'ReleasePipelineService.UpdateReleasePipeline': { project, name: aim.pipeline, enabled: true },
    'ReleasePipelineService.DeleteReleasePipeline': { project, name: aim.pipeline },
    'ReleasePipelineService.ListReleasePipelines': { project },
    'ReleaseService.AnnotateRelease': { project, context: { title: `t ${n}` }, ref: { commitSha: 'abc' } },
    'ReleaseService.Release': { artifactId, environments: ['production'], prepareOnly: true },
    'ReleaseService.WaitRelease': { releaseIntentId: aim.intentId },
    'ReleaseService.GetArtifactBySlug': { slug: aim.slug },
    'ReleaseService.GetArtifactsByProject': { project },
    'ReleaseService.GetOrganisations': {},
    'ReleaseService.GetProjects': { organisation: { organisation } },
    'ReleaseService.CreateProject': { organisation, project: `q-${n}` },
    'ReleaseService.GetProject': project,
    'ReleaseService.UpdateProject': { ...project, readme: 'words' },
    'ReleaseService.GetDestinationStates': { organisation },
    'ReleaseService.GetReleaseIntentStates': { organisation },
    'ReleaseService.ListMyReleases': {},
    'ReleaseService.ApprovePlanStage': plan,
    'ReleaseService.RejectPlanStage': plan,
    'ReleaseService.GetPlanOutput': plan,
    'ReleaseService.PlanAgain': plan,
    'ReleaseService.EndHold': { project, environment: 'production', comment: 'looked at it' },
    'ReleaseService.GetReleaseComparison': { project, artifactId, environment: 'production' },
    'ReleaseService.GetDeploymentBoard': { organisation },
    'ReleaseService.GetReleaseLogs': { releaseId: aim.releaseId },
    'ReleaseService.CancelRelease': { releaseIntentId: aim.otherIntentId },
    'ReleaseService.RetryStage': { releaseIntentId: aim.otherIntentId, stageId: 'failing' },
    'ReleaseService.ReportRelease': { releaseId: aim.intentId, status: 'RELEASE_STATUS_SUCCEEDED' },
    'ReleaseService.SettleDestination': { project, destination: 'eu-west', reason: 'looked at it' },
    'ReleaseService.FreeDestination': { organisation, destination: 'eu', reason: 'looked at it' },
    'ServerReflection.ServerReflectionInfo': { listServices: '*' },
    'ServiceAccountService.ListServiceAccounts': { organisationId },
    'ServiceAccountService.CreateServiceAccount': { organisationId, name: `s-${n}`.slice(0, 64) },
    'ServiceAccountService.DeleteServiceAccount': {
      organisationId,
      serviceAccountId: aim.spareServiceAccountId,
    },
    'ServiceAccountService.CreateServiceAccountToken': {
      organisationId,
      serviceAccountId: aim.serviceAccountId,
      name: 'ci',
      scopes: ['read', 'release'],
    },
    'ServiceAccountService.RevokeServiceAccountToken': {
      organisationId,
      serviceAccountId: aim.serviceAccountId,
      tokenId: aim.serviceTokenId,
    },
    'SessionService.SignIn': { identifier: username, password },
    'SessionService.SignOut': {},
    'SessionService.GetSession': {},
    'SessionService.ListSessions': {},
    // Of no session: sessions.test.ts ends the caller's own.
    'SessionService.EndSession': { sessionId: '01890000-0000-7000-8000-000000000000' },
    'SessionService.SignOutEverywhere': { keepThis: true },
    'SessionService.SetUp': {
      token: 'x',
      organisation: 'o',
      username: 'u',
      email: 'u@example.com',
      password: 'long enough to pass',
    },
    'StatusService.Status': {},
    'UsersService.Register': { username, email: 'somebody@example.com', password: 'long enough to pass' },
    'UsersService.Login': { username, password },
    'UsersService.RefreshToken': { refreshToken: 'x' },
    'UsersService.Logout': { refreshToken: 'x' },
    'UsersService.GetUser': { userId },
    'UsersService.ListUsers': {},
    'UsersService.ChangePassword': {
      userId,
      currentPassword: password,
      newPassword: 'another long enough one',
    },
    'UsersService.CreatePersonalAccessToken': { userId, name: 'mine', scopes: ['read'] },
    'UsersService.ListPersonalAccessTokens': { userId },
    'UsersService.DeletePersonalAccessToken': { tokenId: aim.tokenId },
    'UsersService.ListCommitAddresses': {},
    'UsersService.AddCommitAddress': { address: `${n}@commits.example` },
    'UsersService.RemoveCommitAddress': { address: aim.commitAddress },
    'UsersService.TokenInfo': {},
  };
}

export interface RawAnswer {
  readonly status: number;
  /** `ok`, or the name of the error code. */
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly type: string; readonly debug?: unknown }[];
  readonly text: string;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function answerOf(status: number, text: string): RawAnswer {
  let body: unknown = {};
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON.
  }
  const error = isRecord(body) ? (isRecord(body['error']) ? body['error'] : body) : {};
  const refused = typeof error['code'] === 'string' && typeof error['message'] !== 'object';
  const details = Array.isArray(error['details']) ? (error['details'] as RawAnswer['details']) : [];
  return {
    status,
    code: refused ? String(error['code']) : status === 200 ? 'ok' : `http ${status} without a code`,
    message: String(error['message'] ?? ''),
    details,
    text,
  };
}

/** A POST to any path, without generated code. */
export async function post(
  app: Pick<TestApp, 'url'>,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const response = await fetch(`${app.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return answerOf(response.status, await response.text());
}

export async function get(
  app: Pick<TestApp, 'url'>,
  path: string,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const response = await fetch(`${app.url}${path}`, { headers });
  return answerOf(response.status, await response.text());
}

const END = 2;

/** Calls a method of any kind with one JSON message; for a stream returns the first answer, or the error. */
export async function callJson(
  app: Pick<TestApp, 'url'>,
  method: DescMethod,
  request: JsonObject,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const json = JSON.stringify(request);
  if (method.methodKind === 'unary') return post(app, pathOf(method), json, headers);
  const bytes = Buffer.from(json);
  const envelope = Buffer.alloc(5 + bytes.length);
  envelope.writeUInt32BE(bytes.length, 1);
  bytes.copy(envelope, 5);
  const stop = new AbortController();
  const response = await fetch(`${app.url}${pathOf(method)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/connect+json', ...headers },
    body: envelope,
    signal: stop.signal,
  });
  let seen = Buffer.alloc(0);
  try {
    for await (const chunk of response.body ?? []) {
      seen = Buffer.concat([seen, chunk]);
      if (seen.length < 5 || seen.length < 5 + seen.readUInt32BE(1)) continue;
      const text = seen.subarray(5, 5 + seen.readUInt32BE(1)).toString();
      return seen[0] === END ? answerOf(response.status, text) : answerOf(200, '{}');
    }
  } finally {
    stop.abort();
  }
  return answerOf(response.status, seen.toString());
}
