import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';
import type {
  JoinRuleSchema,
  OrganisationMemberSchema,
  OrganisationSchema,
  OrganisationService,
} from '#server/gen/forest/v1/organisations_pb.ts';
import { callerOf, organisationOf } from '#server/rpc/access.ts';
import { nextPageToken, pageOf } from '#server/rpc/page.ts';
import { createJoinRule, type JoinRule, joinRulesOf, removeJoinRule } from './join-service.ts';
import {
  addMember,
  changeMemberRole,
  createOrganisation,
  getOrganisation,
  leaveOrganisation,
  type Member,
  membershipsOf,
  membersOf,
  type Organisation,
  type Role,
  removeMember,
} from './service.ts';

/** OrganisationService: organisations, and who belongs to them in which role. */
export function organisationHandlers(app: AppContext): ServiceImpl<typeof OrganisationService> {
  return {
    async createOrganisation(request, context) {
      const { organisationId } = await createOrganisation(app, callerOf(context), request.name);
      return { organisationId };
    },
    async getOrganisation(_request, context) {
      return { organisation: toOrganisation(await getOrganisation(app, organisationOf(context))) };
    },
    async listMyOrganisations(request, context) {
      const role = request.role === '' ? '' : roleOf(request.role);
      const memberships = await membershipsOf(app, callerOf(context).userId, role);
      return { organisations: memberships.map(toOrganisation), roles: memberships.map((m) => m.role) };
    },
    async addMember(request, context) {
      const input = { userId: request.userId, role: roleOf(request.role) };
      return { member: toMember(await addMember(app, callerOf(context), organisationOf(context), input)) };
    },
    async removeMember(request, context) {
      await removeMember(app, callerOf(context), organisationOf(context), request.userId);
      return {};
    },
    async leaveOrganisation(_request, context) {
      await leaveOrganisation(app, callerOf(context), organisationOf(context));
      return {};
    },
    async updateMemberRole(request, context) {
      const input = { userId: request.userId, role: roleOf(request.role) };
      const member = await changeMemberRole(app, callerOf(context), organisationOf(context), input);
      return { member: toMember(member) };
    },
    async listJoinRules(_request, context) {
      return { joinRules: (await joinRulesOf(app, organisationOf(context))).map(toJoinRule) };
    },
    async createJoinRule(request, context) {
      const { provider, emailDomain } = request;
      const input = { provider, emailDomain };
      const rule = await createJoinRule(app, callerOf(context), organisationOf(context), input);
      return { joinRule: toJoinRule(rule) };
    },
    async deleteJoinRule(request, context) {
      await removeJoinRule(app, callerOf(context), organisationOf(context), request.joinRuleId);
      return {};
    },
    async listMembers(request, context) {
      const page = pageOf(request, ['text']);
      const found = await membersOf(app, organisationOf(context), page);
      const { rows, nextPageToken: next } = nextPageToken(found.members, page.limit, (m) => [m.username]);
      return { members: rows.map(toMember), nextPageToken: next, totalCount: found.totalCount };
    },
  };
}

function roleOf(text: string): Role {
  if (text !== 'member' && text !== 'admin') {
    throw invalid({ field: 'role', message: `must be "member" or "admin", not "${text}"` });
  }
  return text;
}

const toOrganisation = (o: Organisation): MessageInitShape<typeof OrganisationSchema> => ({
  organisationId: o.organisationId,
  name: o.name,
  createdAt: timestampFromDate(o.createdAt),
});

const toMember = (m: Member): MessageInitShape<typeof OrganisationMemberSchema> => ({
  userId: m.userId,
  username: m.username,
  role: m.role,
  joinedAt: timestampFromDate(m.joinedAt),
});

const toJoinRule = (rule: JoinRule): MessageInitShape<typeof JoinRuleSchema> => ({
  joinRuleId: rule.joinRuleId,
  provider: rule.provider,
  emailDomain: rule.emailDomain,
  createdAt: timestampFromDate(rule.createdAt),
});
